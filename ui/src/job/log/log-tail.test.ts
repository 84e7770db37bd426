import { describe, expect, it } from 'vitest';
import { LogTail } from './log-tail.ts';

const texts = (tail: LogTail): string[] => tail.lines().map((line) => line.text);

describe('LogTail', () => {
  it('joins pieces into lines by byte offsets and ignores repeated ones', () => {
    const tail = new LogTail();
    tail.restart('größe 1\nhal', 13);
    tail.add({ offset: 13, text: 'f\n' });
    tail.add({ offset: 13, text: 'f\n' });
    expect(texts(tail)).toEqual(['größe 1', 'half']);
    expect(tail.offset).toBe(15);
    expect(tail.cutAt).toBeNull();
  });

  it('says how much is missing before the first line', () => {
    const tail = new LogTail();
    tail.restart('late\n', 1_005);
    expect(tail.cutAt).toBe(1_000);
  });
});
