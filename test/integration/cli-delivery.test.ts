import { randomBytes } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobManifestSchema, type Delivery } from '../../src/shared/contracts/delivery-api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CommandLineFarm, type CommandOutcome } from '../support/local-farm.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { putObject, seedStoredJob, sha256Of, type StoredFrame } from '../support/stored-results.ts';

interface Downloaded {
  files: { path: string; frame: number; sha256: string; kept: boolean }[];
}

/** The commands that take results home, against a gateway and a real store; nothing is rendered. */
describe('commands for results', () => {
  let context: TestContext;
  let proxy: S3Proxy;
  let gateway: TestGateway;
  let commandLine: CommandLineFarm;
  let bucket: string;
  let frames: StoredFrame[];

  beforeAll(async () => {
    context = await createTestContext();
    proxy = await S3Proxy.start(context.s3Settings.endpoint);
    gateway = await startTestGateway(context, { FARMHAND_S3_PUBLIC_ENDPOINT: proxy.url });
    commandLine = await CommandLineFarm.create();
    bucket = `${context.s3Settings.bucket}-customer`;
    await context.s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const bodies = [...Array.from({ length: 120 }, (_, i) => randomBytes(500 + i)), randomBytes(12_000_000)];
    frames = await seedStoredJob(context, 'home', bodies);
  });
  afterAll(async () => {
    await commandLine.dispose();
    await gateway.stop();
    await proxy.stop();
    await context.s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    await context.dispose();
  });

  const cli = (...args: string[]): Promise<CommandOutcome> =>
    commandLine.run(args, { FARMHAND_URL: gateway.url, FARMHAND_TOKEN: gateway.token });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { stdout, stderr } = await cli(...args, '--json');
    try {
      return JSON.parse(stdout) as T;
    } catch {
      throw new Error(`farmhand ${args.join(' ')} printed ${stdout} and said ${stderr}`);
    }
  };

  it('download chosen frames by a pattern, and keep what is there', async () => {
    const dir = join(commandLine.folder, 'chosen');
    const args = ['download', 'home', dir, '--frames', '1-120x40,3', '--pattern', '{shot}-{frame:03}.{ext}'];
    const taken = await json<Downloaded>(...args);
    expect(taken.files.map(({ frame, kept }) => [frame, kept])).toEqual([
      [1, false],
      [3, false],
      [41, false],
      [81, false],
    ]);
    expect((await readdir(dir)).sort()).toEqual(['010-001.png', '010-003.png', '010-041.png', '010-081.png']);
    await writeFile(join(dir, '010-003.png'), 'changed');
    const again = await json<Downloaded>(...args);
    expect(again.files.filter(({ kept }) => !kept).map(({ frame }) => frame)).toEqual([3]);
    expect(sha256Of(await readFile(join(dir, '010-003.png')))).toBe(sha256Of(frames[2]?.body ?? ''));
  });

  it('download goes on with a large file that was cut off, and begins again where the rest does not fit', async () => {
    const { body } = frames[120]!;
    const rangesAsked = (): string[] => proxy.ranges.filter((range) => range !== '');
    for (const [name, part, ranged] of [
      ['cut', body.subarray(0, 9_000_000), 'bytes=9000000-'],
      ['old', Buffer.alloc(9_500_000), 'bytes=9500000-'],
    ] as const) {
      const dir = join(commandLine.folder, name);
      await cli('download', 'home', dir, '--frames', '1');
      await writeFile(join(dir, 'render_0121.png.part'), part);
      await json('download', 'home', dir, '--frames', '121');
      expect(rangesAsked().at(-1)).toBe(ranged);
      expect(sha256Of(await readFile(join(dir, 'render_0121.png')))).toBe(sha256Of(body));
      expect(await readdir(dir)).toHaveLength(2);
    }
  });

  it('download a whole job, and its manifest says the same', async () => {
    const dir = join(commandLine.folder, 'whole');
    const { files } = await json<Downloaded>('download', 'home', dir);
    const manifest = jobManifestSchema.parse(await json('manifest', 'home'));
    expect(files.map(({ path, sha256 }) => [path, sha256])).toEqual(
      manifest.files.map(({ name, sha256 }) => [join(dir, name), sha256]),
    );
    for (const { path, sha256 } of files) expect(sha256Of(await readFile(path))).toBe(sha256);
    expect((await cli('manifest', 'home', '--csv', '--frames', '7')).stdout.split('\r\n')[1]).toContain(
      `render_0007.png,506,${sha256Of(frames[6]?.body ?? '')},render,7,main,w1,null`,
    );
  });

  it('name files that are gone from the storage, or are not what they were', async () => {
    expect((await cli('manifest', 'home', '--check')).stdout).toBe(
      'The storage has 121 files of home, all as they were stored.\n',
    );
    const [gone, , changed] = frames;
    const Bucket = context.s3Settings.bucket;
    await context.s3.send(new DeleteObjectCommand({ Bucket, Key: gone!.key }));
    await putObject(context, changed!.key, 'other bytes');
    try {
      const checked = await cli('manifest', 'home', '--check', '--frames', '1-3');
      expect(checked.code).toBe(1);
      expect(checked.stdout).toMatch(/render_0001\.png +render +1 +gone/);
      expect(checked.stdout).toMatch(/render_0003\.png +render +3 +11 B instead of/);
      expect(checked.stdout).toContain('./farmhand retry home --step render --frames 1,3');
      expect(await json('manifest', 'home', '--check')).toMatchObject({
        files: 121,
        wrong: [
          { name: 'render_0001.png', storedBytes: null },
          { frame: 3, bytes: 502, storedBytes: 11 },
        ],
      });
    } finally {
      await putObject(context, gone!.key, gone!.body);
      await putObject(context, changed!.key, changed!.body);
    }
  });

  it('say what is no range, no job and no pattern', async () => {
    expect(await cli('download', 'home', 'x', '--frames', '1-a')).toMatchObject({ code: 1 });
    expect((await cli('manifest', 'home', '--frames', '1-a')).stderr).toContain(
      'a frame range such as 1-100',
    );
    expect((await cli('manifest', 'nobody')).stderr).toContain('There is no job nobody.');
    expect((await cli('manifest', 'home', '--pattern', 'x.{ext}')).stderr).toContain('{frame}');
  });

  it('open a bucket by a secret from a file, deliver there, and close it', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = context.s3Settings;
    const secretFile = join(commandLine.folder, 'secret');
    await writeFile(secretFile, `${secretAccessKey}\n`);
    const add = [
      'target',
      'add',
      'acme',
      `s3://${bucket}/in`,
      '--endpoint',
      endpoint,
      '--access-key-id',
      accessKeyId,
    ];
    expect((await cli(...add, '--secret-file', secretFile)).stderr).toContain('https, or `allowPrivate`');
    expect((await cli(...add, '--secret-file', `${secretFile}-not`, '--allow-private')).code).toBe(2);
    expect(await cli(...add, '--secret-file', secretFile, '--allow-private')).toMatchObject({ code: 0 });
    const listed = await cli('target');
    expect(listed.stdout).toMatch(/acme +s3:\/\/test-\w+-customer\/in/);
    expect(listed.stdout).not.toContain(secretAccessKey);
    const asked = ['deliver', 'home', '--to', `s3://${bucket}/in/a`, '--frames', '1-9'];
    const dry = await cli(...asked, '--dry-run');
    expect(dry.stdout).toContain(`9 files (4.5 kB) would be copied to s3://${bucket}/in/a.`);
    expect(await json<Delivery>(...asked)).toMatchObject({
      state: 'completed',
      files: { total: 9, done: 9 },
    });
    expect((await cli(...asked)).stdout).toContain('9 files of them already there');
    expect((await cli('deliver', 'home', '--to', `s3://${bucket}/elsewhere`)).stderr).toContain('target add');
    expect(await cli('target', 'remove', 'acme')).toMatchObject({ code: 0 });
    expect((await cli('target')).stdout).toBe('No targets.\n');
  });
});
