import { describe, expect, it } from 'vitest';
import { LogBuffer, toLogLine } from './log-text.ts';

describe('log text', () => {
  it('drops what programs write for terminals', () => {
    expect(toLogLine('\u001b[31mError\u001b[0m: \u001b]0;title\u0007no camera', 1).text).toBe(
      'Error: no camera',
    );
    expect(toLogLine('10 %\r55 %\r100 %\r', 1).text).toBe('100 %');
  });

  it('marks lines that report an error and not those that report none', () => {
    const isError = (text: string): boolean => toLogLine(text, 1).isError;
    expect(isError('Parse Error: expected "{"')).toBe(true);
    expect(isError('Segmentation fault (core dumped)')).toBe(true);
    expect(isError('0 errors, 3 warnings')).toBe(false);
    expect(isError('Saved: frame_0001.png')).toBe(false);
  });

  it('cuts lines that nobody can read', () => {
    expect(toLogLine('x'.repeat(1_000_000), 1).text.length).toBeLessThan(5_000);
  });

  it('lets an unfinished line grow', () => {
    const buffer = new LogBuffer();
    buffer.append('one\ntw');
    expect(buffer.lines().map((line) => line.text)).toEqual(['one', 'tw']);
    buffer.append('o\n');
    expect(buffer.lines().map((line) => line.text)).toEqual(['one', 'two']);
    expect(buffer.lines().map((line) => line.number)).toEqual([1, 2]);
  });
});
