import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PARTS_FROM_BYTES } from '../../src/shared/contracts/asset-api.ts';
import { canonicalManifest, type ManifestFile } from '../../src/shared/contracts/manifest.ts';
import { hashFile } from '../../src/shared/storage/hash-file.ts';
import { assetKey } from '../../src/shared/storage/keys.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { FileCache } from '../../src/worker/assets/file-cache.ts';
import type { WantedFile } from '../../src/worker/assets/file-fetcher.ts';
import { RANGE_BYTES } from '../../src/worker/assets/large-download.ts';
import { layOutScene } from '../../src/worker/assets/scene-tree.ts';
import { DownloadLimit } from '../../src/worker/download-limit.ts';
import { ObjectStore } from '../../src/worker/object-store.ts';
import { Problems } from '../../src/worker/reporting/problems.ts';
import { WorkerMetrics } from '../../src/worker/telemetry/worker-metrics.ts';
import type { CacheUse } from '../support/cache-user-main.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { until } from '../support/until.ts';

const CACHE_USER = join(import.meta.dirname, '../support/cache-user-main.ts');
const { signal } = new AbortController();
const metrics = new WorkerMetrics(new Registry());
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

let context: TestContext;
let proxy: S3Proxy;
let folder: string;
/** Ranges that were asked for, and whole objects. */
let fetches: string[];
/** As few bytes as are fetched in ranges: three whole ones and a shorter one. */
const film = randomBytes(PARTS_FROM_BYTES);
const RANGES = Math.ceil(PARTS_FROM_BYTES / RANGE_BYTES);

beforeAll(async () => {
  context = await createTestContext();
  proxy = await S3Proxy.start(context.s3Settings.endpoint);
  await put(film);
});
afterAll(async () => {
  await proxy.stop();
  await context.dispose();
});
beforeEach(async () => {
  fetches = [];
  folder = await mkdtemp(join(context.folder, 'cache-'));
});

async function put(bytes: string | Buffer, key = assetKey(sha(bytes))): Promise<string> {
  const { s3, s3Settings } = context;
  await s3.send(new PutObjectCommand({ Bucket: s3Settings.bucket, Key: key, Body: bytes }));
  return sha(bytes);
}

function newStore(settings = context.workerS3Settings, bytesPerSecond: number | null = null): ObjectStore {
  const { log } = context;
  const s3 = createS3Client(settings);
  s3.middlewareStack.add((next, { commandName }) => (args) => {
    const input = args.input as { Range?: string };
    if (commandName === 'GetObjectCommand') fetches.push(input.Range ?? 'whole');
    return next(args);
  });
  const limit = new DownloadLimit(bytesPerSecond);
  return new ObjectStore(s3, settings.bucket, new Problems(log), metrics, log, limit);
}

async function openCache(store = newStore()): Promise<FileCache> {
  const cache = new FileCache(folder, store, 10_000_000_000, metrics);
  await cache.load();
  return cache;
}

function want(bytes: Buffer, size = bytes.byteLength): WantedFile {
  return { sha256: sha(bytes), what: 'The film', size: { leastBytes: size, mostBytes: size } };
}

/** Of the ranges that are asked for through the proxy, one comes. */
function holdAllButOne(): void {
  let asked = 0;
  proxy.gate = () => (++asked > 1 ? new Promise(() => undefined) : undefined);
}

const leftovers = async (): Promise<string[]> =>
  (await readdir(folder, { recursive: true })).filter((name) => /\.(part|done|lock)/.test(name));

describe('a big file', () => {
  it('is fetched once, in ranges, when fifty want it at once in two caches on one folder', async () => {
    const [one, two] = [await openCache(), await openCache()];
    const wanted = Array.from({ length: 50 }, (_, i) =>
      (i % 2 === 0 ? one : two).acquire(want(film), signal),
    );
    await Promise.all(wanted);
    expect(fetches).toHaveLength(RANGES);
    expect(new Set(fetches).size).toBe(RANGES);
    expect((await hashFile(one.pathOf(sha(film)))).sha256).toBe(sha(film));
    expect(await leftovers()).toEqual([]);
  });

  it('is gone on with after its worker was killed', { timeout: 120_000 }, async () => {
    const use: CacheUse = {
      s3: { ...context.workerS3Settings, endpoint: proxy.url },
      folder,
      sha256: sha(film),
      bytes: film.byteLength,
    };
    holdAllButOne();
    const path = (await openCache()).pathOf(sha(film));
    const worker = spawn(process.execPath, [CACHE_USER, JSON.stringify(use)], { stdio: 'ignore' });
    const done = (): string[] =>
      existsSync(`${path}.part.done`) ? readFileSync(`${path}.part.done`, 'utf8').trim().split('\n') : [];
    await until(() => done().length > 0, 'a range is there', 60_000);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    const before = done();
    expect(before).toHaveLength(1);
    const cache = await openCache();
    await cache.acquire(want(film), signal);
    expect(fetches).toHaveLength(RANGES - before.length);
    expect((await hashFile(path)).sha256).toBe(sha(film));
    expect(await leftovers()).toEqual([]);
  });

  it('whose bytes a power cut took is fetched anew', async () => {
    const path = (await openCache()).pathOf(sha(film));
    await mkdir(dirname(path), { recursive: true });
    writeFileSync(`${path}.part`, Buffer.alloc(film.byteLength));
    writeFileSync(`${path}.part.done`, '0\n1\n2\n3');
    const cache = await openCache();
    await cache.acquire(want(film), signal);
    // The last word was cut off, so the last range was fetched; then the hash showed what the others are worth.
    expect(fetches).toHaveLength(RANGES + 1);
    expect((await hashFile(path)).sha256).toBe(sha(film));
  });

  it('that is stopped leaves what it has to the next', async () => {
    holdAllButOne();
    const slow = await openCache(newStore({ ...context.workerS3Settings, endpoint: proxy.url }));
    const stop = new AbortController();
    const path = `${slow.pathOf(sha(film))}.part.done`;
    const fetching = slow.acquire(want(film), stop.signal);
    await until(() => existsSync(path), 'a range is there', 60_000);
    stop.abort(new Error('cancelled'));
    await expect(fetching).rejects.toThrow('cancelled');
    fetches = [];
    await (await openCache()).acquire(want(film), signal);
    expect(fetches).toHaveLength(RANGES - 1);
  });

  it('of other bytes, or of another size, than its name says is not taken', async () => {
    const other = Buffer.from(film.map((byte, i) => (i === 5 ? byte ^ 1 : byte)));
    const name = sha('what it should be');
    await put(other, assetKey(name));
    const cache = await openCache();
    await expect(cache.acquire({ ...want(film), sha256: name }, signal)).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining('The film is damaged in the storage') as string,
    });
    await expect(cache.acquire(want(film, film.byteLength + 1), signal)).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining(`has ${film.byteLength} bytes in the storage`) as string,
    });
    expect(fetches).toHaveLength(2 * RANGES);
  });
});

describe('the cache', () => {
  it('fetches no more than the asset says, and nothing of a file that is something else', async () => {
    const bytes = randomBytes(1_000);
    await put(bytes);
    const cache = await openCache();
    for (const size of [999, 1_001])
      await expect(cache.acquire(want(bytes, size), signal)).rejects.toThrow(
        `has 1000 bytes in the storage, not ${size}`,
      );
    await cache.acquire(want(bytes), signal);
    await expect(cache.acquire(want(bytes, 999), signal)).rejects.toThrow('not what the asset says');
  });

  it('looks at every byte of a file that somebody wrote to before it started', async () => {
    const bytes = randomBytes(1_000);
    await put(bytes);
    const cache = await openCache();
    await cache.acquire(want(bytes), signal);
    const path = cache.pathOf(sha(bytes));
    writeFileSync(`${path}.new`, randomBytes(1_000));
    renameSync(`${path}.new`, path);
    const again = await openCache();
    await again.acquire(want(bytes), signal);
    expect(sha(readFileSync(path))).toBe(sha(bytes));
    // One that was touched, and is what it was, is not fetched again.
    fetches = [];
    utimesSync(path, new Date(), new Date(1_700_000_000_123));
    await (await openCache()).acquire(want(bytes), signal);
    expect(fetches).toEqual([]);
  });

  it('takes no more of the line than it may, with all downloads together', async () => {
    const files = Array.from({ length: 4 }, () => randomBytes(500_000));
    for (const bytes of files) await put(bytes);
    const cache = await openCache(newStore(context.workerS3Settings, 1_000_000));
    const startedAt = performance.now();
    await Promise.all(files.map((bytes) => cache.acquire(want(bytes), signal)));
    expect(performance.now() - startedAt).toBeGreaterThan(1_700);
  });
});

describe('packs', () => {
  const text = 'union { sphere { 0, 1 } }\n'.repeat(40);
  const frame = zstdCompressSync(text);
  const pack = Buffer.concat([Buffer.from('hello'), frame]);
  const hello: ManifestFile = {
    path: 'hello.txt',
    size: 5,
    sha256: sha('hello'),
    pack: { sha256: sha(pack), offset: 0, size: 5 },
  };
  const scene: ManifestFile = {
    path: 'scene.pov',
    size: text.length,
    sha256: sha(text),
    pack: { sha256: sha(pack), offset: 5, size: frame.byteLength, encoding: 'zstd' },
  };

  async function layOut(...files: ManifestFile[]): Promise<string> {
    const manifest = canonicalManifest({ version: 1, files });
    const target = join(await mkdtemp(join(context.folder, 'tree-')), 'files');
    const ref = { asset: await put(manifest), path: files[0]?.path ?? '' };
    await layOutScene(ref, target, await openCache(), signal);
    return target;
  }

  beforeAll(() => put(pack));

  it('give files of both kinds, and one content under several names', async () => {
    const target = await layOut(scene, hello, { ...hello, path: 'again/hello.txt' });
    expect(readFileSync(join(target, 'scene.pov'), 'utf8')).toBe(text);
    expect(readFileSync(join(target, 'again/hello.txt'), 'utf8')).toBe('hello');
  });

  it('of which files unpack to more, to less, or to something else than the asset says are refused', async () => {
    const bomb = await put(zstdCompressSync(Buffer.alloc(50_000_000)));
    const place = { sha256: bomb, offset: 0, size: 1_000, encoding: 'zstd' as const };
    await expect(layOut({ ...scene, size: 100_000, pack: place })).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining('unpacks to more than the 100000 bytes') as string,
    });
    await expect(layOut({ ...scene, size: text.length + 1 })).rejects.toThrow('and the asset says');
    await expect(layOut({ ...scene, size: text.length - 1 })).rejects.toThrow('unpacks to more than');
    await expect(layOut({ ...hello, sha256: sha('hallo') })).rejects.toThrow('its SHA-256 in its pack is');
    const garbled = { ...scene.pack!, offset: 0 };
    await expect(layOut({ ...scene, pack: garbled })).rejects.toThrow('cannot be unpacked');
    await expect(layOut({ ...hello, pack: { ...hello.pack!, offset: 9_999 } })).rejects.toMatchObject({
      failure: 'missing-asset',
    });
  });

  it('of which two files want one place are refused', async () => {
    await expect(layOut(hello, { ...scene, path: 'hello.txt/scene.pov' })).rejects.toMatchObject({
      failure: 'missing-asset',
      message: expect.stringContaining('cannot have this name') as string,
    });
    await expect(layOut({ ...hello, path: 'x'.repeat(300) })).rejects.toThrow('Rename it');
  });
});
