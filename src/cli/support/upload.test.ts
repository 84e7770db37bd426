import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodeOf } from './exit-codes.ts';
import { hashFiles, planPages, toManifest } from './upload.ts';

const { signal } = new AbortController();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-upload-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

describe('hashFiles', () => {
  it('keeps the order, and gives size and SHA-256 of what is on disk', async () => {
    const large = Buffer.alloc(3_000_000, 'x');
    const files = [
      { path: 'b/large.bin', file: put('large', large) },
      { path: 'empty', file: put('empty', '') },
      { path: 'a.txt', file: put('a', 'hello') },
    ];
    const hashed = await hashFiles(files, signal);
    expect(hashed.map(({ path, size }) => [path, size])).toEqual([
      ['b/large.bin', 3_000_000],
      ['empty', 0],
      ['a.txt', 5],
    ]);
    expect(hashed[0]?.sha256).toBe(createHash('sha256').update(large).digest('hex'));
    expect(toManifest(hashed).files[2]).toEqual({
      path: 'a.txt',
      size: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
    });
  });

  it.each(['a\\b.png', '../a', 'a\nb'])('refuses the name %j, which cannot be stored', async (path) => {
    const error: unknown = await hashFiles([{ path, file: put('x', '') }], signal).catch((e: unknown) => e);
    expect(exitCodeOf(error)).toBe(2);
    expect(String(error)).toContain('Rename it');
  });

  it('names a file that cannot be read', async () => {
    const file = join(folder, 'gone');
    await expect(hashFiles([{ path: 'gone', file }], signal)).rejects.toThrow(file);
  });
});

describe('planPages', () => {
  it('asks for at most a thousand at once, for each once', () => {
    const pages = planPages(Array.from({ length: 2_001 }, (_, i) => i));
    expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 1]);
    expect(pages.flat()).toEqual(Array.from({ length: 2_001 }, (_, i) => i));
    expect(planPages([])).toEqual([]);
  });
});
