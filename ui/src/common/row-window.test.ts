import { describe, expect, it } from 'vitest';
import { rowWindow, scrollTopFor } from './row-window.ts';

describe('rowWindow', () => {
  it('draws few of many rows and keeps the list as high as all of them', () => {
    const view = rowWindow({ count: 5_000, rowHeight: 40 }, { top: 100_000, height: 800 });
    expect(view.end - view.start).toBeLessThan(60);
    expect(view.start).toBeLessThanOrEqual(2_500);
    expect(view.end).toBeGreaterThanOrEqual(2_520);
    expect(view.before + view.after + (view.end - view.start) * 40).toBe(200_000);
  });

  it('draws everything of a short list', () => {
    expect(rowWindow({ count: 3, rowHeight: 40 }, { top: 0, height: 800 })).toEqual({
      start: 0,
      end: 3,
      before: 0,
      after: 0,
    });
  });

  it('survives a list that became shorter than where it was scrolled to', () => {
    const view = rowWindow({ count: 2, rowHeight: 40 }, { top: 9_000, height: 800 });
    expect(view.end).toBe(2);
    expect(view.before + view.after + (view.end - view.start) * 40).toBe(80);
  });
});

describe('scrollTopFor', () => {
  const view = { top: 400, height: 400, header: 40 };

  it('scrolls just as far as needed', () => {
    expect(scrollTopFor(12, 40, view)).toBe(400);
    expect(scrollTopFor(2, 40, view)).toBe(80);
    expect(scrollTopFor(30, 40, view)).toBe(880);
  });
});
