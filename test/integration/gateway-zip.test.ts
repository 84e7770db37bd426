import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zipArchive, type ZipEntry } from '../../src/gateway/delivery/zip-writer.ts';
import type { Problem, ResultsPage } from '../../src/shared/contracts/api.ts';
import { jobManifestSchema, type JobManifest } from '../../src/shared/contracts/delivery-api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { putObject, seedStoredJob, sha256Of } from '../support/stored-results.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const lines: string[] = [];
let context: TestContext;
let proxy: S3Proxy;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  proxy = await S3Proxy.start(context.s3Settings.endpoint);
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  gateway = await startTestGateway({ ...context, log }, { S3_ENDPOINT: proxy.url });
});
afterAll(async () => {
  await gateway.stop();
  await proxy.stop();
  await context.dispose();
});

const manifestOf = (path: string): Promise<JobManifest> => gateway.json<JobManifest>(path);

/** Names and checksums of an archive's files, as Python reads them. */
async function filesOfZip(path: string): Promise<[string, string][]> {
  const code =
    'import zipfile,hashlib,json,sys\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint(json.dumps([[n,hashlib.sha256(z.read(n)).hexdigest()] for n in z.namelist()]))';
  return JSON.parse((await run('python3', ['-c', code, path])).stdout) as [string, string][];
}

async function takeZip(path: string): Promise<string> {
  const response = await gateway.fetch(path);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip']);
  const file = join(context.folder, `${randomBytes(4).toString('hex')}.zip`);
  await writeFile(file, Buffer.from(await response.arrayBuffer()));
  return file;
}

describe('the manifest of a job', () => {
  it('says of each file what it is and what made it, as JSON and as CSV', async () => {
    await seedStoredJob(context, 'told', ['one', 'two'], { name: '=Film' });
    await context.ledger
      .updateTable('steps')
      .set({ engine: 'blender', engine_version: '3.4.1' })
      .where('job_id', '=', 'told')
      .execute();
    await context.ledger.updateTable('frames').set({ verdict: 'warn' }).where('number', '=', 2).execute();

    const manifest = jobManifestSchema.parse(await manifestOf('/api/jobs/told/manifest'));
    expect(manifest).toMatchObject({
      version: 1,
      job: { id: 'told', name: '=Film', project: 'film', labels: { shot: '010' }, state: 'completed' },
      count: 2,
      bytes: 6,
    });
    expect(manifest.files[1]).toEqual({
      name: 'render_0002.png',
      bytes: 3,
      sha256: sha256Of('two'),
      step: 'render',
      frame: 2,
      output: 'main',
      worker: 'w1',
      engine: 'blender',
      engineVersion: '3.4.1',
      definition: null,
      seconds: 1.5,
      verdict: 'warn',
    });
    const csv = await gateway.fetch('/api/jobs/told/manifest?format=csv&pattern={job}_{frame}.{ext}');
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect((await csv.text()).split('\r\n')).toEqual([
      'name,bytes,sha256,step,frame,output,worker,engine,engineVersion,definition,seconds,verdict',
      `'=Film_1.png,3,${sha256Of('one')},render,1,main,w1,blender,3.4.1,,1.5,`,
      `'=Film_2.png,3,${sha256Of('two')},render,2,main,w1,blender,3.4.1,,1.5,warn`,
      '',
    ]);
  });

  it('is of chosen frames, steps and outputs; what is no range is said', async () => {
    await seedStoredJob(
      context,
      'chosen',
      Array.from({ length: 1_200 }, (_, i) => `f${i}`),
    );
    const framesOf = async (query: string): Promise<number[]> =>
      (await manifestOf(`/api/jobs/chosen/manifest?${query}`)).files.map(({ frame }) => frame);
    expect(await framesOf('frames=1-9x4,7,20-18')).toEqual([1, 5, 7, 9, 18, 19, 20]);
    expect(await framesOf('frames=1-1200y2,1199-1300')).toHaveLength(601);
    expect(await framesOf('')).toHaveLength(1_200);
    expect(await framesOf('frames=5000-6000')).toEqual([]);
    expect(await framesOf('output=depth')).toEqual([]);
    const page = await gateway.json<ResultsPage>('/api/jobs/chosen/results?frames=1-1200x100&limit=5');
    expect(page.files.map(({ frame }) => frame)).toEqual([1, 101, 201, 301, 401]);
    for (const path of ['results', 'manifest', 'zip'])
      expect((await gateway.json<Problem>(`/api/jobs/chosen/${path}?frames=1-x`, 400)).detail).toContain(
        'a frame range such as 1-100',
      );
    const many = Array.from({ length: 500 }, (_, i) => i * i * 3).join(',');
    expect((await gateway.json<Problem>(`/api/jobs/chosen/manifest?frames=${many}`, 400)).detail).toContain(
      'at most 200 pieces',
    );
    await gateway.json('/api/jobs/nobody/manifest', 404);
  }, 120_000);
});

describe('a zip of a job', () => {
  it('holds the same files by the same names and checksums as the manifest and the links', async () => {
    const bodies = Array.from({ length: 30 }, (_, i) => randomBytes(10_000 * (i + 1)));
    await seedStoredJob(context, 'zipped', [...bodies, randomBytes(5_000_000)], { name: 'Bär/🐑' });
    const query = 'pattern={shot} {job}.{frame:03}.{ext}';
    const zip = await takeZip(`/api/jobs/zipped/zip?${query}`);
    expect((await run('unzip', ['-t', zip])).stdout).toContain('No errors detected');
    const { files } = await manifestOf(`/api/jobs/zipped/manifest?${query}`);
    expect(await filesOfZip(zip)).toEqual(files.map(({ name, sha256 }) => [name, sha256]));
    expect(files[0]?.name).toBe('010 Bär_🐑.001.png');
    const page = await gateway.json<ResultsPage>(`/api/jobs/zipped/results?${query}&frames=31`);
    const [linked] = page.files;
    expect(linked?.name).toBe(files[30]?.name);
    expect(sha256Of(Buffer.from(await (await fetch(linked?.url ?? '')).arrayBuffer()))).toBe(
      files[30]?.sha256,
    );
    const few = await filesOfZip(await takeZip('/api/jobs/zipped/zip?frames=1-30x10'));
    expect(few.map(([name]) => name)).toEqual(['render_0001.png', 'render_0011.png', 'render_0021.png']);
  }, 120_000);

  it('is refused where nothing is selected, or names would meet', async () => {
    const nothing = await gateway.json<Problem>('/api/jobs/zipped/zip?frames=900-950', 404);
    expect(nothing.detail).toBe('Job zipped has no finished files for frames 900-950.');
    const meeting = await gateway.json<Problem>('/api/jobs/zipped/zip?pattern=picture.{ext}', 400);
    expect(meeting.detail).toContain('{frame}');
    await gateway.json('/api/jobs/zipped/zip?frames=5&pattern=../x', 400);
  });

  it('breaks off with an error when an object is gone, and the log says which', async () => {
    const frames = await seedStoredJob(context, 'gone', ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const { key } = frames[6]!;
    await context.s3.send(new DeleteObjectCommand({ Bucket: context.s3Settings.bucket, Key: key }));
    const response = await gateway.fetch('/api/jobs/gone/zip');
    await expect(response.arrayBuffer()).rejects.toThrow();
    await until(
      () => lines.some((line) => line.includes('broken off') && line.includes('render_0007.png is not in')),
      'the log says why',
    );
  });

  it('breaks off when an object has other bytes than its frame brought', async () => {
    const [first] = await seedStoredJob(context, 'short', ['a whole picture', 'another']);
    await putObject(context, first?.key ?? '', 'half');
    await expect((await gateway.fetch('/api/jobs/short/zip')).arrayBuffer()).rejects.toThrow();
  });

  it('reads no more from the store when the client has gone away', async () => {
    await seedStoredJob(
      context,
      'left',
      Array.from({ length: 60 }, () => randomBytes(1_000_000)),
    );
    const before = proxy.requests.length;
    const client = new AbortController();
    const response = await gateway.fetch('/api/jobs/left/zip', { signal: client.signal });
    const reader = response.body!.getReader();
    await reader.read();
    client.abort();
    await until(() => lines.some((line) => line.includes('went away')), 'the gateway notices');
    expect(proxy.requests.length - before).toBeLessThan(40);
  }, 120_000);

  it('goes on where a connection to the store breaks', async () => {
    const body = randomBytes(9_000_000);
    await seedStoredJob(context, 'broken', [body]);
    proxy.breakAfter = 3_000_000;
    const zip = await takeZip('/api/jobs/broken/zip');
    expect(await filesOfZip(zip)).toEqual([['render_0001.png', sha256Of(body)]]);
    expect(proxy.breakAfter).toBeUndefined();
  }, 120_000);
});

describe('links', () => {
  it('are in no log', async () => {
    const { files } = await gateway.json<ResultsPage>('/api/jobs/told/results');
    expect(files[0]?.url).toContain('X-Amz-Signature=');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes('X-Amz-Signature'))).toEqual([]);
  });
});

describe('a zip archive', () => {
  it('holds files of more than 4 GB, and files behind them', async () => {
    const block = Buffer.alloc(16_777_216);
    const blocks = 257;
    async function* entries(): AsyncGenerator<ZipEntry> {
      const zeros = function* (): Generator<Buffer> {
        for (let i = 0; i < blocks; i++) yield block;
      };
      yield { name: 'large.mov', bytes: blocks * block.byteLength, content: Readable.from(zeros()) };
      yield { name: 'behind.png', bytes: 4, content: Readable.from([Buffer.from('here')]) };
    }
    const path = join(context.folder, 'large.zip');
    const file = await open(path, 'w');
    let at = 0;
    // Blocks of zeros become holes in the file: nothing is written for them.
    const sparse = new Writable({
      objectMode: true,
      write(chunk: Buffer, _encoding, done) {
        const position = at;
        at += chunk.byteLength;
        if (chunk === block) done();
        else file.write(chunk, 0, chunk.byteLength, position).then(() => done(), done);
      },
    });
    await pipeline(Readable.from(zipArchive(entries(), new Date())), sparse);
    await file.close();
    expect((await run('unzip', ['-t', path])).stdout).toContain('No errors detected');
    const code =
      "import zipfile,sys\nz=zipfile.ZipFile(sys.argv[1])\nprint([i.file_size for i in z.infolist()], z.read('behind.png'))";
    expect((await run('python3', ['-c', code, path])).stdout.trim()).toBe(
      `[${blocks * block.byteLength}, 4] b'here'`,
    );
  }, 240_000);
});
