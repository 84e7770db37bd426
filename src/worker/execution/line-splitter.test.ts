import { describe, expect, it } from 'vitest';
import { LineSplitter, MAX_LINE_LENGTH } from './line-splitter.ts';

function split(chunks: (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('ends lines at \\n, \\r\\n and \\r, wherever the chunks break', () => {
    expect(split(['a\nb\r', '\nc\rd', 'e\n', 'last'])).toEqual(['a', 'b', 'c', 'de', 'last']);
  });

  it('keeps characters whole that a chunk boundary cuts', () => {
    const bytes = Buffer.from('Überblendung\n');
    expect(split([bytes.subarray(0, 1), bytes.subarray(1)])).toEqual(['Überblendung']);
  });

  it('cuts endless lines once and goes on with the next', () => {
    const long = 'x'.repeat(MAX_LINE_LENGTH + 1);
    const lines = split([long, long, 'tail\nnext\n']);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^x{16384} … \(cut\)$/);
    expect(lines[1]).toBe('next');
  });
});
