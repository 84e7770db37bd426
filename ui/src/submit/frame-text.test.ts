import { describe, expect, it } from 'vitest';
import { lookAtFrames } from './frame-text.ts';

describe('lookAtFrames', () => {
  it.each([
    ['1-100x5', '20 frames.'],
    ['1-10,5-12', '12 frames.'],
    ['7', '1 frame.'],
    // Frame by frame that would take long.
    ['1-300000,2-300001', 'Up to 600,000 frames.'],
  ])('counts %s', (typed, text) => {
    expect(lookAtFrames(typed, undefined, 'blender')).toMatchObject({ text, error: undefined });
  });

  it('takes the scene’s own range where nothing is typed', () => {
    expect(lookAtFrames(' ', '1-48', 'lottie')).toMatchObject({ count: 48, error: undefined });
    expect(lookAtFrames('', undefined, 'lottie').count).toBeUndefined();
  });

  it('says in words what is wrong', () => {
    expect(lookAtFrames('1-', undefined, 'blender').error).toContain('"1-"');
    expect(lookAtFrames('40-60', '1-48', 'lottie').error).toBe('The scene has frames 1-48, and no frame 60.');
    expect(lookAtFrames('40-60', '1-48', 'blender').error).toBeUndefined();
  });
});
