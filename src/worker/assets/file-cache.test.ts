import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../shared/logging/logger.ts';
import { createS3Client } from '../../shared/storage/s3-client.ts';
import { ObjectStore } from '../object-store.ts';
import { Problems } from '../reporting/problems.ts';
import { FileCache } from './file-cache.ts';
import type { WantedFile } from './file-fetcher.ts';
import { Registry } from 'prom-client';
import { WorkerMetrics } from '../telemetry/worker-metrics.ts';

const metrics = new WorkerMetrics(new Registry());

const log = createLogger('test', 'silent');
const nowhere = createS3Client({
  endpoint: 'http://127.0.0.1:9',
  bucket: 'none',
  region: 'us-east-1',
  accessKeyId: 'none',
  secretAccessKey: 'none',
});
const store = new ObjectStore(nowhere, 'none', new Problems(log), metrics, log);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const newCache = (budgetBytes: number): FileCache => new FileCache(folder, store, budgetBytes, metrics);

const want = (sha256: string): WantedFile => ({
  sha256,
  what: 'it',
  size: { leastBytes: 0, mostBytes: Infinity },
});

/** As an earlier process left it. @returns its hash */
function leave(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex');
  const path = newCache(0).pathOf(hash);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return hash;
}

describe('FileCache', () => {
  it('keeps a file that somebody takes while room is being made', async () => {
    const hashes = Array.from({ length: 60 }, (_, i) => leave(`texture ${i}`));
    const cache = newCache(1);
    const loading = cache.load();
    let peak = 0;
    while (cache.bytes >= peak) {
      peak = cache.bytes;
      await turn();
    }
    // Some are gone by now, one is being removed, and all others are on the list.
    const taken = hashes.slice(-2);
    const { signal } = new AbortController();
    await Promise.all(taken.map((hash) => cache.acquire(want(hash), signal)));
    await loading;
    expect(taken.map((hash) => existsSync(cache.pathOf(hash)))).toEqual([true, true]);
  });

  it('leaves the time of a file as another process on the same folder gave it', async () => {
    const hash = leave('a texture');
    const path = newCache(0).pathOf(hash);
    utimesSync(path, 1_000_000, 1_000_000);
    const cache = newCache(1_000);
    await cache.load();
    utimesSync(path, 2_000_000, 2_000_000);
    await cache.acquire(want(hash), new AbortController().signal);
    expect(statSync(path).mtimeMs).toBe(2_000_000_000);
  });

  it('starts although a file vanishes while it looks', async () => {
    const hash = leave('stays');
    const gone = 'e'.repeat(64);
    mkdirSync(dirname(newCache(0).pathOf(gone)), { recursive: true });
    symlinkSync(join(folder, 'removed'), newCache(0).pathOf(gone));
    const cache = newCache(1_000);
    await cache.load();
    expect(cache.bytes).toBe('stays'.length);
    await cache.acquire(want(hash), new AbortController().signal);
  });
});
