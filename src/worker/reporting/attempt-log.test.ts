import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttemptLog } from './attempt-log.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-log-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function create(maxBytes?: number): { log: AttemptLog; pieces: { offset: number; text: string }[] } {
  const pieces: { offset: number; text: string }[] = [];
  const publish = (offset: number, text: string): void => void pieces.push({ offset, text });
  const limit = maxBytes === undefined ? {} : { maxBytes };
  return { log: new AttemptLog({ folder: () => Promise.resolve(dir), publish, ...limit }), pieces };
}

describe('AttemptLog', () => {
  it('tells pieces at byte offsets and stores the same text', async () => {
    const { log, pieces } = create();
    log.line('Überblendung');
    log.line('x'.repeat(40_000));
    log.line('last');
    const file = await log.finish();
    const stored = zstdDecompressSync(readFileSync(file ?? '')).toString();
    expect(stored).toBe(pieces.map(({ text }) => text).join(''));
    expect(stored.split('\n')).toEqual(['Überblendung', 'x'.repeat(40_000), 'last', '']);
    for (const { offset, text } of pieces) {
      expect(
        Buffer.from(stored)
          .subarray(offset, offset + Buffer.byteLength(text))
          .toString(),
      ).toBe(text);
    }
    expect(Math.max(...pieces.map(({ text }) => text.length))).toBeLessThan(65_536);
  });

  it('tells a quiet line within a fraction of a second', async () => {
    const { log, pieces } = create();
    log.line('hello');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(pieces).toEqual([{ offset: 0, text: 'hello\n' }]);
    await log.finish();
  });

  it('says where it was cut, once', async () => {
    const { log, pieces } = create(1_048_576);
    for (let i = 0; i < 100; i++) log.line('y'.repeat(20_000));
    await log.finish();
    const text = pieces.map((piece) => piece.text).join('');
    expect(text.match(/The log is cut here: it has reached 1 MiB/g)).toHaveLength(1);
    expect(text.length).toBeLessThan(1_048_576 + 200);
  });

  it('stores nothing when nothing was logged', async () => {
    expect(await create().log.finish()).toBeNull();
  });
});
