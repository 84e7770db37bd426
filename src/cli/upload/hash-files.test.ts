import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../support/exit-codes.ts';
import { hashFiles, isUntouched, type HashCache } from './hash-files.ts';
import { RecordFile } from './record-file.ts';

const { signal } = new AbortController();
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
let folder: string;
let cacheFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-upload-'));
  cacheFile = join(folder, 'cache', 'hashes.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

async function openCache(): Promise<HashCache> {
  const cache = new RecordFile(cacheFile, (value) => (typeof value === 'string' ? value : undefined));
  await cache.load();
  return cache;
}

/** Long enough for a file that was written before to count as settled. */
const settle = (): Promise<void> => pause(2_100);

describe('hashFiles', () => {
  it('keeps the order, and gives size and SHA-256 of what is on disk', async () => {
    const large = Buffer.alloc(3_000_000, 'x');
    const files = [
      { path: 'b/large.bin', file: put('large', large) },
      { path: 'empty', file: put('empty', '') },
      { path: 'a.txt', file: put('a', 'hello') },
    ];
    const hashed = await hashFiles(files, { signal, cache: await openCache() });
    expect(hashed.map(({ path, size, sha256 }) => [path, size, sha256])).toEqual([
      ['b/large.bin', 3_000_000, sha(large)],
      ['empty', 0, sha('')],
      ['a.txt', 5, sha('hello')],
    ]);
  });

  it.each(['a\\b.png', '../a', 'a\nb', 'half a \ud83d'])(
    'refuses the name %j, which cannot be stored',
    async (path) => {
      const cache = await openCache();
      const hashing = hashFiles([{ path, file: put('x', '') }], { signal, cache });
      const error: unknown = await hashing.catch((e: unknown) => e);
      expect(exitCodeOf(error)).toBe(2);
      expect(String(error)).toContain('Rename it');
    },
  );

  it('names a file that cannot be read', async () => {
    const file = join(folder, 'gone');
    const hashing = hashFiles([{ path: 'gone', file }], { signal, cache: await openCache() });
    await expect(hashing).rejects.toThrow(file);
  });

  it('does not read again what has not been touched since, and keeps that for its owner alone', async () => {
    const [small, large] = [put('small', 'small'), put('large', Buffer.alloc(200_000))];
    const files = [small, large].map((file) => ({ path: file.slice(1), file }));
    await settle();
    const first = await openCache();
    const before = await hashFiles(files, { signal, cache: first });
    await first.save();
    expect(statSync(cacheFile).mode & 0o777).toBe(0o600);
    // The cache is believed: another hash in it is what comes out.
    writeFileSync(cacheFile, readFileSync(cacheFile, 'utf8').replaceAll(sha('small'), 'e'.repeat(64)));
    const again = await hashFiles(files, { signal, cache: await openCache() });
    expect(again.map(({ sha256 }) => sha256)).toEqual(['e'.repeat(64), before[1]?.sha256]);
  });

  it('reads again what was written to, even with its time and size set back, and what was put in its place', async () => {
    const file = put('texture', 'first.');
    const files = [{ path: 'texture', file }];
    await settle();
    const cache = await openCache();
    await hashFiles(files, { signal, cache });
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'second');
    utimesSync(file, atime, mtime);
    expect((await hashFiles(files, { signal, cache }))[0]?.sha256).toBe(sha('second'));
    renameSync(put('other', 'third.'), file);
    expect((await hashFiles(files, { signal, cache }))[0]?.sha256).toBe(sha('third.'));
  });

  it('remembers nothing of a file that was written to just now', async () => {
    const files = [{ path: 'fresh', file: put('fresh', 'one') }];
    const cache = await openCache();
    const [hashed] = await hashFiles(files, { signal, cache });
    expect(cache.get(hashed?.mark ?? '')).toBeUndefined();
    expect(await isUntouched(hashed!)).toBe(true);
    writeFileSync(join(folder, 'fresh'), 'longer');
    expect(await isUntouched(hashed!)).toBe(false);
  });
});

describe('RecordFile', () => {
  it('lives with lines that were cut off, and what several write at once', async () => {
    const [one, two] = [await openCache(), await openCache()];
    one.set('a', '1');
    two.set('b', '2');
    await Promise.all([one.save(), two.save()]);
    writeFileSync(cacheFile, `${readFileSync(cacheFile, 'utf8')}["c","3\n{}\n["a",null]\n["d","4"]\n`);
    const cache = await openCache();
    expect(['a', 'b', 'c', 'd'].map((key) => cache.get(key))).toEqual([undefined, '2', undefined, '4']);
  });
});
