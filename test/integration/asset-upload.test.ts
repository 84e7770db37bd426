import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FarmClient } from '../../src/cli/support/farm-client.ts';
import { uploadAsset, type LocalFile } from '../../src/cli/support/upload.ts';
import { PARTS_FROM_BYTES } from '../../src/shared/contracts/asset-api.ts';
import type { AssetPlan, PartLink, PartsReply, Problem } from '../../src/shared/contracts/api.ts';
import { assetManifestSchema, MAX_MANIFEST_BYTES } from '../../src/shared/contracts/manifest.ts';
import { assetKey } from '../../src/shared/storage/keys.ts';
import { createS3Client } from '../../src/shared/storage/s3-client.ts';
import { FileCache } from '../../src/worker/assets/file-cache.ts';
import { layOutScene } from '../../src/worker/assets/scene-tree.ts';
import { ObjectStore } from '../../src/worker/object-store.ts';
import { Problems } from '../../src/worker/reporting/problems.ts';
import { WorkerMetrics } from '../../src/worker/telemetry/worker-metrics.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { until } from '../support/until.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const { signal } = new AbortController();
const sha = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

let context: TestContext;
let proxy: S3Proxy;
let gateway: TestGateway;
let folder: string;
let cacheFolder: string;
let client: FarmClient;

beforeAll(async () => {
  context = await createTestContext();
  proxy = await S3Proxy.start(context.s3Settings.endpoint);
  gateway = await startTestGateway(context, { FARMHAND_S3_PUBLIC_ENDPOINT: proxy.url });
  client = new FarmClient({ url: gateway.url, token: gateway.token });
});
afterAll(async () => {
  await gateway.stop();
  await proxy.stop();
  await context.dispose();
});
beforeEach(async () => {
  folder = await mkdtemp(join(context.folder, 'scene-'));
  cacheFolder = await mkdtemp(join(context.folder, 'client-'));
  proxy.requests.length = 0;
  proxy.gate = () => undefined;
});

function write(contents: Record<string, string | Buffer>): LocalFile[] {
  return Object.entries(contents).map(([path, content]) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return { path, file };
  });
}

const upload = (files: readonly LocalFile[], by = client): Promise<string> =>
  uploadAsset(files, { client: by, signal, label: 'test', cacheFolder });

async function storedObjects(): Promise<number> {
  let count = 0;
  let from: string | undefined;
  do {
    const where = { Bucket: context.s3Settings.bucket, ...(from && { ContinuationToken: from }) };
    const page = await context.s3.send(new ListObjectsV2Command(where));
    count += page.KeyCount ?? 0;
    from = page.NextContinuationToken;
  } while (from !== undefined);
  return count;
}

async function layOut(asset: string, path: string): Promise<string> {
  const { workerS3Settings, log } = context;
  const metrics = new WorkerMetrics(new Registry());
  const s3 = createS3Client(workerS3Settings);
  const store = new ObjectStore(s3, workerS3Settings.bucket, new Problems(log), metrics, log);
  const cache = new FileCache(await mkdtemp(join(context.folder, 'worker-')), store, 10_000_000_000, metrics);
  await cache.load();
  const target = join(await mkdtemp(join(context.folder, 'tree-')), 'files');
  await layOutScene({ asset, path }, target, cache, signal);
  s3.destroy();
  return target;
}

describe('an upload', () => {
  it('brings every file to a worker as it was, in few objects, and makes none of them twice', async () => {
    const text = 'sphere { <0, 0, 0>, 1 pigment { color Yellow } }\n';
    const contents: Record<string, string | Buffer> = {
      'scene.pov': text.repeat(50),
      'deep/er/große Textur 日本.png': randomBytes(300_000),
      'empty.inc': '',
      'same as scene.pov': text.repeat(50),
    };
    for (let i = 0; i < 1_500; i++) contents[`many/${i}.txt`] = `file ${i}`;
    const before = await storedObjects();
    const asset = await upload(write(contents));
    expect((await storedObjects()) - before).toBeLessThan(10);
    const target = await layOut(asset, 'scene.pov');
    const names = (await readdir(target, { recursive: true, withFileTypes: true })).filter((e) => e.isFile());
    expect(names).toHaveLength(Object.keys(contents).length);
    for (const [path, content] of Object.entries(contents))
      expect((await readFile(join(target, path))).equals(Buffer.from(content)), path).toBe(true);
    const after = await storedObjects();
    expect(await upload(write(contents))).toBe(asset);
    expect(await storedObjects()).toBe(after);
  });

  it('of a scene of 2,000 files in which one changed sends the one pack that the file is in', async () => {
    const contents = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, i) => [`tex/${i}.png`, randomBytes(8_000)]),
    );
    const first = await upload(write(contents));
    const all = proxy.requests.filter((line) => line.startsWith('PUT')).length;
    expect(all).toBeGreaterThan(2);
    proxy.requests.length = 0;
    const second = await upload(write({ ...contents, 'tex/777.png': randomBytes(8_000) }));
    expect(second).not.toBe(first);
    expect(proxy.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it('names a file that changes meanwhile, and makes no asset of it', async () => {
    const files = write({ 'a.bin': randomBytes(200_000), 'b.bin': randomBytes(200_000) });
    /** Somebody saves the texture just when the farm has said what it lacks. */
    class Meddled extends FarmClient {
      override async planAssets(...request: Parameters<FarmClient['planAssets']>): Promise<AssetPlan> {
        const plan = await super.planAssets(...request);
        writeFileSync(files[1]!.file, randomBytes(200_000));
        return plan;
      }
    }
    const meddled = new Meddled({ url: gateway.url, token: gateway.token });
    await expect(upload(files, meddled)).rejects.toThrow(
      `${files[1]!.file} changed while it was being uploaded`,
    );
  });

  it('does not believe its own memory of a file against the storage', async () => {
    const files = write({ 'a.bin': randomBytes(200_000) });
    const past = new Date(Date.now() - 60_000);
    utimesSync(files[0]!.file, past, past);
    await until(() => Date.now() - statSync(files[0]!.file).ctimeMs > 2_100, 'the file counts as settled');
    await upload(files);
    const hashes = join(cacheFolder, 'uploads', 'hashes.jsonl');
    expect(statSync(hashes).mode & 0o777).toBe(0o600);
    writeFileSync(hashes, (await readFile(hashes, 'utf8')).replace(/[0-9a-f]{64}/, sha('something else')));
    await expect(upload(files)).rejects.toThrow('submit it again');
    await upload(files);
  });

  it('works without a folder to remember hashes in', async () => {
    const blocked = join(folder, 'a file where the folder should be');
    writeFileSync(blocked, '');
    const files = write({ 'a.bin': randomBytes(2_000) });
    await layOut(await uploadAsset(files, { client, signal, label: 'test', cacheFolder: blocked }), 'a.bin');
  });
});

describe('an upload in parts', () => {
  const PART = 16_777_216;
  /** As few as go in parts: three whole ones and a shorter one. */
  const bytes = randomBytes(PARTS_FROM_BYTES);
  let hash: string;
  beforeEach(() => {
    bytes.set(randomBytes(32));
    hash = sha(bytes);
  });

  it(
    'goes on where it stopped when its process was killed, and reaches a worker',
    { timeout: 120_000 },
    async () => {
      const files = write({ 'film.mov': bytes, 'title.json': LOTTIE });
      // Two parts get through; the others hang until their sender is dead.
      let passed = 0;
      let free: () => void = () => undefined;
      const freed = new Promise<void>((resolve) => (free = resolve));
      proxy.gate = (line) => (line.includes('partNumber=') && ++passed > 2 ? freed : undefined);
      const submit = spawn(process.execPath, [CLI, 'submit', folder, '--farm', gateway.url], {
        env: { ...process.env, FARMHAND_TOKEN: gateway.token, FARMHAND_CACHE: cacheFolder },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      submit.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      await until(
        () => {
          if (submit.exitCode !== null) throw new Error(`submit ended by itself: ${said}`);
          return passed > 2;
        },
        'two parts are through',
        60_000,
      );
      const parts = await untilTwoStored(hash);
      submit.kill('SIGKILL');
      await once(submit, 'exit');
      free();
      proxy.gate = () => undefined;
      proxy.requests.length = 0;
      const asset = await upload(files);
      expect(proxy.putsOf(hash).length).toBeLessThanOrEqual(4 - parts.length);
      for (const part of parts) expect(proxy.putsOf(hash)).not.toContain(String(part));
      const target = await layOut(asset, 'title.json');
      expect(sha(await readFile(join(target, 'film.mov')))).toBe(hash);
      proxy.requests.length = 0;
      expect(await upload(files)).toBe(asset);
      expect(proxy.requests).toEqual([]);
    },
  );

  /** @returns numbers of the parts that the farm has */
  async function untilTwoStored(sha256: string): Promise<number[]> {
    let stored: number[] = [];
    await until(
      async () => {
        const begun = await gateway.post<PartsReply>('/api/assets/parts', 200, {
          sha256,
          size: bytes.byteLength,
        });
        stored = begun.stored;
        return stored.length >= 2;
      },
      'two parts are stored',
      60_000,
    );
    return stored;
  }

  it('names a file that grows or is written to meanwhile', async () => {
    const files = write({ 'film.mov': bytes });
    proxy.gate = (line) => {
      if (line.includes('partNumber=2')) appendFileSync(files[0]!.file, 'one more frame');
      return undefined;
    };
    await expect(upload(files)).rejects.toThrow(`${files[0]!.file} changed while it was being uploaded`);
    const { parts } = await gateway.post<AssetPlan>('/api/assets/plan', 200, {
      files: [{ sha256: hash, size: bytes.byteLength }],
    });
    expect(parts).toEqual([hash]);
  });

  it('of other bytes than its name says is found out and removed', async () => {
    const size = bytes.byteLength;
    const begun = await gateway.post<PartsReply>('/api/assets/parts', 200, { sha256: hash, size });
    expect(begun).toMatchObject({ partBytes: PART, stored: [] });
    const wrong = [PART, PART, PART, size - 3 * PART].map((length) => Buffer.alloc(length, 'x'));
    const { uploadId } = begun;
    for (const [index, body] of wrong.entries()) {
      const link = await gateway.post<PartLink>('/api/assets/parts/link', 200, {
        sha256: hash,
        uploadId,
        part: index + 1,
        partSha256: sha(body),
      });
      const put = (sent: Buffer): Promise<Response> =>
        fetch(link.url, { method: 'PUT', headers: link.headers, body: new Uint8Array(sent) });
      if (index === 0) expect((await put(bytes.subarray(0, PART))).status).toBe(400);
      expect((await put(body)).status).toBe(200);
    }
    const parts = wrong.map(sha);
    const complete = { sha256: hash, size, uploadId };
    const early = await gateway.post<Problem>('/api/assets/parts/complete', 409, {
      ...complete,
      parts: parts.slice(1),
    });
    expect(early.detail).toContain('begin the upload again');
    await gateway.post('/api/assets/parts/complete', 200, { ...complete, parts });
    const manifest = { version: 1, files: [{ path: 'film.mov', size, sha256: hash }] };
    const unverified = await gateway.post<Problem>('/api/assets', 400, manifest);
    expect(unverified.detail).toContain('not verified yet');
    const problem = await gateway.post<Problem>('/api/assets/parts/verify', 400, { sha256: hash, size });
    expect(problem.detail).toContain('upload the file again');
    // The name is free for the right bytes.
    const again = await gateway.post<PartsReply>('/api/assets/parts', 200, { sha256: hash, size });
    expect(again).toMatchObject({ uploadId: expect.any(String) as string, stored: [] });
  });

  it('of another size than what is there leaves what is there', async () => {
    const { s3, s3Settings } = context;
    const where = { Bucket: s3Settings.bucket, Key: assetKey(hash) };
    await upload(write({ 'film.mov': bytes }));
    const size = bytes.byteLength + 1;
    const refused = await gateway.post<Problem>('/api/assets/parts', 409, { sha256: hash, size });
    expect(refused.detail).toContain(`${bytes.byteLength} bytes, and not with ${size}`);
    // Begun while nothing was there, and ended now.
    const { UploadId: uploadId } = await s3.send(new CreateMultipartUploadCommand(where));
    const parts = Array.from({ length: Math.ceil(size / PART) }, () => sha('x'));
    const complete = { sha256: hash, size, uploadId, parts };
    const late = await gateway.post<Problem>('/api/assets/parts/complete', 409, complete);
    expect(late.detail).toContain(`${bytes.byteLength} bytes, and not with ${size}`);
    expect((await s3.send(new HeadObjectCommand(where))).ContentLength).toBe(bytes.byteLength);
  });

  it('finds other bytes of another size, which nobody verified, and removes them', async () => {
    const { s3, s3Settings } = context;
    const params = { Bucket: s3Settings.bucket, Key: assetKey(hash), Body: bytes.subarray(1) };
    await new Upload({ client: s3, params }).done();
    const begun = { sha256: hash, size: bytes.byteLength };
    expect((await gateway.post<PartsReply>('/api/assets/parts', 200, begun)).uploadId).not.toBeNull();
    await upload(write({ 'film.mov': bytes }));
  });

  it('that was completed and never verified is verified before anybody uses it', async () => {
    const files = write({ 'film.mov': bytes });
    await new Upload({
      client: context.s3,
      params: { Bucket: context.s3Settings.bucket, Key: assetKey(hash), Body: bytes },
    }).done();
    const plan = { files: [{ sha256: hash, size: bytes.byteLength }] };
    expect(await gateway.post('/api/assets/plan', 200, plan)).toMatchObject({ parts: [hash] });
    await upload(files);
    expect(proxy.putsOf(hash)).toEqual([]);
    expect(await gateway.post('/api/assets/plan', 200, plan)).toMatchObject({ parts: [] });
  });
});

describe('a question about parts', () => {
  it.each([
    ['/api/assets/parts', { sha256: 'a'.repeat(64), size: 1_000 }, 'size'],
    ['/api/assets/parts', { sha256: '../x', size: 100_000_000 }, 'sha256'],
    [
      '/api/assets/parts/link',
      { sha256: 'a'.repeat(64), uploadId: 'x', part: 0, partSha256: 'a'.repeat(64) },
      'part',
    ],
    [
      '/api/assets/parts/complete',
      { sha256: 'a'.repeat(64), size: 100_000_000, uploadId: 'x', parts: [] },
      'parts',
    ],
    ['/api/assets/parts/verify', { sha256: 'a'.repeat(64) }, 'size'],
  ])('is refused at %s with %j', async (path, body, named) => {
    const problem = await gateway.post<Problem>(path, 400, body);
    expect(problem.errors?.[0]?.path).toBe(named);
  });

  it('of which nothing is there is answered so', async () => {
    const [sha256, size] = ['b'.repeat(64), 100_000_000];
    const parts = new Array<string>(6).fill(sha256);
    await gateway.post('/api/assets/parts/complete', 404, { sha256, size, uploadId: 'nothing', parts });
    const problem = await gateway.post<Problem>('/api/assets/parts/verify', 400, { sha256, size });
    expect(problem.detail).toContain('no such object');
  });
});

describe('a manifest with packs', () => {
  const entry = { path: 'a', size: 5, sha256: sha('hello') };
  const manifest = (...files: unknown[]): unknown => ({ version: 1, files });

  it.each([
    ['a file larger than its place', { ...entry, pack: { sha256: sha('p'), offset: 0, size: 4 } }],
    [
      'an archive bomb',
      { ...entry, size: 100_000, pack: { sha256: sha('p'), offset: 0, size: 40, encoding: 'zstd' } },
    ],
    [
      'a file too large for a pack',
      { ...entry, size: 200_000, pack: { sha256: sha('p'), offset: 0, size: 200_000 } },
    ],
    ['a place outside every pack', { ...entry, pack: { sha256: sha('p'), offset: 99_999_999, size: 5 } }],
    ['an unknown encoding', { ...entry, pack: { sha256: sha('p'), offset: 0, size: 5, encoding: 'gzip' } }],
    ['a path that climbs out', { ...entry, path: '../a' }],
  ])('is refused with %s', async (_what, file) => {
    const problem = await gateway.post<Problem>('/api/assets', 400, manifest(file));
    expect(problem.errors?.[0]?.path).toMatch(/^files\[0\]/);
    expect(assetManifestSchema.safeParse(manifest(file)).success).toBe(false);
  });

  it('is refused when the pack is not there, or too small for what it is said to hold', async () => {
    const pack = Buffer.from('hello');
    const place = { sha256: sha(pack), offset: 3, size: 5 };
    const missing = await gateway.post<Problem>('/api/assets', 400, manifest({ ...entry, pack: place }));
    expect(missing.detail).toContain('a: not uploaded');
    const key = assetKey(sha(pack));
    await context.s3.send(new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: key, Body: pack }));
    const small = await gateway.post<Problem>('/api/assets', 400, manifest({ ...entry, pack: place }));
    expect(small.errors?.[0]).toMatchObject({
      path: 'files[0].pack',
      expected: 'a pack of at least 8 bytes',
    });
    await gateway.post('/api/assets', 201, manifest({ ...entry, pack: { ...place, offset: 0 } }));
  });

  it('is not read when more lies at its hash than a manifest can have', async () => {
    const asset = await upload(write({ 'card.json': LOTTIE }));
    const Body = Buffer.alloc(MAX_MANIFEST_BYTES + 1, ' ');
    const where = { Bucket: context.s3Settings.bucket, Key: assetKey(asset) };
    await context.s3.send(new PutObjectCommand({ ...where, Body }));
    const template = { name: 'card', label: 'A card', engine: 'lottie', asset, scenePath: 'card.json' };
    const rest = { schema: { type: 'object' }, slots: {}, defaults: { frames: '0-1' } };
    const problem = await gateway.post<Problem>('/api/templates', 413, { ...template, ...rest });
    expect(problem.detail).toContain(`at most ${MAX_MANIFEST_BYTES} are read`);
  });

  it('is refused when a file is the folder of another one', async () => {
    const file = { size: 5, sha256: sha('hello') };
    const problem = await gateway.post<Problem>(
      '/api/assets',
      400,
      manifest({ ...file, path: 'a/b' }, { ...file, path: 'a' }),
    );
    expect(problem.errors?.[0]).toMatchObject({ path: 'files[1].path' });
  });
});

const LOTTIE = JSON.stringify({
  v: '5.7.0',
  fr: 24,
  ip: 0,
  op: 2,
  w: 16,
  h: 16,
  nm: 'x',
  ddd: 0,
  assets: [],
  layers: [],
});
