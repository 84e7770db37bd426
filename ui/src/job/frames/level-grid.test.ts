import { describe, expect, it } from 'vitest';
import { LEVEL_BASE, LEVEL_COLOURS, levelBytes, WORKER_COLOURS } from './level-grid.ts';
import { markByte } from './verdict-grid.ts';

describe('levelBytes', () => {
  it('gives each letter its byte, and what is not known none', () => {
    const none = markByte('none');
    expect([...levelBytes(6, 'AZa+.')]).toEqual([
      LEVEL_BASE,
      LEVEL_BASE + 25,
      LEVEL_BASE + 26,
      LEVEL_BASE + 52,
      none,
      none,
    ]);
    expect(levelBytes(1, 'ABC')).toHaveLength(1);
  });

  it('has a colour for each', () => {
    expect(LEVEL_COLOURS).toHaveLength(26);
    expect(LEVEL_COLOURS[0]).toBe('#4a3f8f');
    expect(LEVEL_COLOURS[25]).toBe('#fde725');
    expect(new Set(WORKER_COLOURS).size).toBe(53);
  });
});
