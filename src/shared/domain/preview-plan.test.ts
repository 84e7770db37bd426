import { describe, expect, it } from 'vitest';
import { everyNth, hasPictures, previewNumbers } from './preview-plan.ts';

describe('previewNumbers', () => {
  it('takes all frames of a short step in their order, whatever order they are rendered in', () => {
    const runs = [
      { start: 5, step: 1, count: 1 },
      { start: 1, step: 2, count: 2 },
    ];
    expect(previewNumbers(runs, 'contact-sheet')).toEqual([1, 3, 5]);
  });

  it('thins a long step out evenly, over all its ranges', () => {
    const runs = [
      { start: 0, step: 1, count: 150 },
      { start: 1_000, step: 10, count: 150 },
    ];
    const numbers = previewNumbers(runs, 'contact-sheet');
    expect(everyNth('contact-sheet', 300)).toBe(3);
    expect(numbers).toHaveLength(100);
    expect(numbers.slice(0, 3)).toEqual([0, 3, 6]);
    expect(numbers.slice(50, 52)).toEqual([1_000, 1_030]);
  });

  it('never gives more than a preview holds', () => {
    const runs = Array.from({ length: 7 }, (_, i) => ({ start: i * 1_000_000, step: 1, count: 999_983 }));
    expect(previewNumbers(runs, 'proxy').length).toBeLessThanOrEqual(5_000);
  });
});

it('videos and measurements have no pictures', () => {
  expect(['png', 'exr', 'hdr'].every(hasPictures)).toBe(true);
  expect(['mp4', 'mov', 'gif', 'none'].some(hasPictures)).toBe(false);
});
