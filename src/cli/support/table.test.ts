import { describe, expect, it } from 'vitest';
import { formatBytes, formatSeconds, formatTable } from './table.ts';

describe('formatTable', () => {
  it('aligns columns and leaves the last one unpadded', () => {
    expect(
      formatTable(
        ['A', 'B'],
        [
          ['long', 'x'],
          ['s', 'yy'],
        ],
      ),
    ).toBe('A     B\nlong  x\ns     yy');
  });

  it('keeps a cell on its line and harmless', () => {
    expect(formatTable(['A'], [['one\ntwo\u001b[31m']])).toBe('A\none two?[31m');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999_950, '1.0 MB'],
    [1_234_567, '1.2 MB'],
    [512_000_000, '512 MB'],
  ])('%d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatSeconds', () => {
  it.each([
    [0.123, '0.12 s'],
    [59.94, '59.9 s'],
    [245, '4 min 5 s'],
    [7_380, '2 h 3 min'],
  ])('%d', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});
