import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { canonicalManifest } from '../../src/shared/contracts/manifest.ts';
import { assetKey } from '../../src/shared/storage/keys.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { FileCache } from '../../src/worker/assets/file-cache.ts';
import type { WantedFile } from '../../src/worker/assets/file-fetcher.ts';
import { layOutScene } from '../../src/worker/assets/scene-tree.ts';
import { ObjectStore } from '../../src/worker/object-store.ts';
import { Problems } from '../../src/worker/reporting/problems.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { Registry } from 'prom-client';
import { WorkerMetrics } from '../../src/worker/telemetry/worker-metrics.ts';

const metrics = new WorkerMetrics(new Registry());

let context: TestContext;
let store: ObjectStore;
let folder: string;
let fetches: string[];
const signal = new AbortController().signal;
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

beforeAll(async () => {
  context = await createTestContext();
  const { workerS3Settings, log } = context;
  const s3 = createS3Client(workerS3Settings);
  s3.middlewareStack.add((next, { commandName }) => (args) => {
    if (commandName === 'GetObjectCommand') fetches.push((args.input as { Key: string }).Key);
    return next(args);
  });
  store = new ObjectStore(s3, workerS3Settings.bucket, new Problems(log), metrics, log);
});
afterAll(() => context.dispose());
beforeEach(async () => {
  fetches = [];
  folder = join(context.folder, 'cache');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
});

async function put(text: string, key = assetKey(sha(text))): Promise<string> {
  const { s3, s3Settings } = context;
  await s3.send(new PutObjectCommand({ Bucket: s3Settings.bucket, Key: key, Body: text }));
  return sha(text);
}

const want = (sha256: string, what: string): WantedFile => ({
  sha256,
  what,
  size: { leastBytes: 0, mostBytes: 1_000_000 },
});

async function openCache(budgetBytes = 1_000_000): Promise<FileCache> {
  const cache = new FileCache(folder, store, budgetBytes, metrics);
  await cache.load();
  return cache;
}

const cached = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((n) => n.length > 60);

describe('FileCache', () => {
  it('fetches what several ask for at once only once, and keeps it over a restart', async () => {
    const hash = await put('a texture');
    const cache = await openCache();
    await Promise.all([1, 2, 3].map(() => cache.acquire(want(hash, 'a'), signal)));
    expect(await readFile(cache.pathOf(hash), 'utf8')).toBe('a texture');
    const again = await openCache();
    await again.acquire(want(hash, 'a'), signal);
    expect(again.bytes).toBe(9);
    expect(fetches).toHaveLength(1);
  });

  it('refuses bytes that are not those of the hash', async () => {
    const hash = sha('what it should be');
    await put('something else', assetKey(hash));
    await expect((await openCache()).acquire(want(hash, 'The file "b"'), signal)).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining('The file "b" is damaged in the storage') as string,
    });
    expect(await cached()).toEqual([]);
  });

  it('makes room by the least recently used, and never takes what is in use', async () => {
    const [a, b, c] = [await put('a'.repeat(400)), await put('b'.repeat(400)), await put('c'.repeat(400))];
    const cache = await openCache(1_000);
    await cache.acquire(want(a, 'a'), signal);
    await cache.acquire(want(b, 'b'), signal);
    await cache.release(b);
    await cache.acquire(want(c, 'c'), signal);
    expect((await cached()).map((name) => name.slice(-64)).sort()).toEqual([a, c].sort());
    await cache.acquire(want(b, 'b'), signal);
    expect(cache.bytes).toBe(1_200);
    await cache.release(a);
    expect(cache.bytes).toBe(800);
  });

  it('fetches again what somebody changed or removed', async () => {
    const hash = await put('the truth');
    const cache = await openCache();
    await cache.acquire(want(hash, 'a'), signal);
    await rm(cache.pathOf(hash));
    await cache.acquire(want(hash, 'a'), signal);
    await rm(cache.pathOf(hash));
    await writeFile(cache.pathOf(hash), 'the trash');
    await cache.acquire(want(hash, 'a'), signal);
    expect(await readFile(cache.pathOf(hash), 'utf8')).toBe('the truth');
  });
});

describe('layOutScene', () => {
  it('gives the files their names, lets nobody climb out, and leaves nothing', async () => {
    const file = { size: 5, sha256: await put('scene') };
    const manifest = canonicalManifest({
      version: 1,
      files: [
        { path: 'deep/a.pov', ...file },
        { path: 'b', ...file },
      ],
    });
    const ref = { asset: await put(manifest), path: 'deep/a.pov' };
    const cache = await openCache();
    const target = join(context.folder, 'tree');
    const tree = await layOutScene(ref, target, cache, signal);
    expect(await readFile(tree.scenePath, 'utf8')).toBe('scene');
    expect((await readdir(target, { recursive: true })).sort()).toEqual(['b', 'deep', 'deep/a.pov']);
    await tree.dispose();
    await expect(readdir(target)).rejects.toThrow('ENOENT');

    const evil = manifest.replace('"b"', '"../b"');
    const climbing = { asset: await put(evil), path: 'deep/a.pov' };
    await expect(layOutScene(climbing, target, cache, signal)).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining('files[0].path') as string,
    });
    await expect(readdir(target)).rejects.toThrow('ENOENT');
  });

  it('fetches again what another worker on the same folder removes just before it is used', async () => {
    const text = JSON.stringify({ scene: 'alone' });
    const pack = { sha256: await put('packed'), offset: 0, size: 6 };
    const manifest = canonicalManifest({
      version: 1,
      files: [
        { path: 'a.pov', size: text.length, sha256: await put(text) },
        { path: 'b.inc', size: 6, sha256: sha('packed'), pack },
      ],
    });
    const ref = { asset: await put(manifest), path: 'a.pov' };
    /** Each file is gone once. */
    class Robbed extends FileCache {
      readonly robbed = new Set<string>();
      override async acquire(wanted: WantedFile, until: AbortSignal): Promise<void> {
        await super.acquire(wanted, until);
        if (this.robbed.has(wanted.sha256)) return;
        this.robbed.add(wanted.sha256);
        await rm(this.pathOf(wanted.sha256));
      }
    }
    const cache = new Robbed(folder, store, 1_000_000, metrics);
    const tree = await layOutScene(ref, join(context.folder, 'robbed'), cache, signal);
    expect(cache.robbed).toEqual(new Set([ref.asset, sha(text), pack.sha256]));
    expect(await readFile(tree.scenePath, 'utf8')).toBe(text);
    expect(await readFile(join(tree.root, 'b.inc'), 'utf8')).toBe('packed');
    await tree.dispose();
  });
});
