import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { targetClient } from '../../src/gateway/delivery/target-client.ts';
import type { Problem } from '../../src/shared/contracts/api.ts';
import {
  deliveriesSchema,
  deliverySchema,
  jobManifestSchema,
  targetsSchema,
  type Delivery,
} from '../../src/shared/contracts/delivery-api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { S3Proxy } from '../support/s3-proxy.ts';
import { seedStoredJob, sha256Of } from '../support/stored-results.ts';
import { until } from '../support/until.ts';

const lines: string[] = [];
let context: TestContext;
let proxy: S3Proxy;
let gateway: TestGateway;
let bucket: string;

beforeAll(async () => {
  context = await createTestContext();
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  context = { ...context, log };
  bucket = `${context.s3Settings.bucket}-customer`;
  await context.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  proxy = await S3Proxy.start(context.s3Settings.endpoint);
  gateway = await startTestGateway(context);
});
afterAll(async () => {
  await gateway.stop();
  await proxy.stop();
  await context.s3.send(new DeleteBucketCommand({ Bucket: bucket }));
  await context.dispose();
});

const putTarget = (name: string, changed: object = {}): Promise<Response> =>
  gateway.fetch(`/api/targets/${name}`, {
    method: 'PUT',
    body: JSON.stringify({
      endpoint: context.s3Settings.endpoint,
      bucket,
      prefix: name,
      accessKeyId: context.s3Settings.accessKeyId,
      secretAccessKey: context.s3Settings.secretAccessKey,
      allowPrivate: true,
      ...changed,
    }),
  });

async function ended(delivery: Delivery, of: TestGateway = gateway): Promise<Delivery> {
  let now = delivery;
  await until(
    async () => {
      now = deliverySchema.parse(await of.json(`/api/deliveries/${delivery.id ?? ''}`));
      return ['completed', 'failed', 'cancelled'].includes(now.state);
    },
    `the delivery ends`,
    60_000,
  );
  return now;
}

const deliver = async (job: string, to: string, body: object = {}): Promise<Delivery> =>
  ended(
    await gateway.post<Delivery>(`/api/jobs/${job}/deliveries`, 201, { to: `s3://${bucket}/${to}`, ...body }),
  );

/** What stands under a prefix, by the rest of the key. */
async function standing(prefix: string): Promise<Map<string, Buffer>> {
  const { Contents = [] } = await context.s3.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/` }),
  );
  const found = await Promise.all(
    Contents.map(async ({ Key = '' }) => {
      const object = await context.s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const body = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
      return [Key.slice(prefix.length + 1), body] as const;
    }),
  );
  return new Map(found);
}

describe('a delivery', () => {
  it.each([
    ['copied by the server itself', false],
    ['sent through the farm', true],
  ])(
    'is %s: every file by its name, and a manifest of them beside; the second time all are kept',
    async (_how, elsewhere) => {
      const id = elsewhere ? 'sent' : 'copied';
      await putTarget(id, elsewhere ? { endpoint: proxy.url } : {});
      const frames = await seedStoredJob(
        context,
        id,
        [...Array.from({ length: 90 }, (_, i) => randomBytes(1_000 + i)), randomBytes(9_000_000)],
        { name: 'a/b', project: 'NUL' },
      );
      const pattern = '{project}_{shot}_{job} {frame:04}.{ext}';
      const delivery = await deliver(id, `${id}/show`, { pattern, by: 'ann' });
      expect(delivery).toMatchObject({
        state: 'completed',
        job: id,
        target: id,
        to: `s3://${bucket}/${id}/show`,
        files: { total: 91, done: 91, kept: 0, failed: 0 },
        error: null,
        createdBy: 'ann',
      });
      expect(delivery.bytes.done).toBe(delivery.bytes.total);
      const there = await standing(`${id}/show`);
      const manifest = jobManifestSchema.parse(JSON.parse(there.get('manifest.json')?.toString() ?? ''));
      expect(manifest.files.map(({ name, sha256 }) => [name, sha256])).toEqual(
        frames.map(({ frame, body }) => [
          `NUL_010_a_b ${String(frame).padStart(4, '0')}.png`,
          sha256Of(body),
        ]),
      );
      for (const { name, sha256 } of manifest.files) expect(sha256Of(there.get(name) ?? '')).toBe(sha256);
      expect(there.size).toBe(92);
      expect((await deliver(id, `${id}/show`, { pattern })).files).toMatchObject({ done: 91, kept: 91 });
      const list = deliveriesSchema.parse(await gateway.json(`/api/jobs/${id}/deliveries`));
      expect(list.deliveries).toHaveLength(2);
      const posts = proxy.requests.filter((line) => line.startsWith('PUT'));
      if (elsewhere) expect(posts.length).toBeGreaterThan(90);
      else expect(posts).toEqual([]);
    },
    120_000,
  );

  it('of chosen frames copies those; one that is only asked about copies nothing', async () => {
    await putTarget('few');
    await seedStoredJob(context, 'few', ['1', '2', '3', '4', '5']);
    const asked = await gateway.post<Delivery>('/api/jobs/few/deliveries', 200, {
      to: `s3://${bucket}/few/a`,
      frames: '1-5x2',
      dryRun: true,
    });
    expect(asked).toMatchObject({ id: null, files: { total: 3, done: 0 }, bytes: { total: 3 } });
    expect((await standing('few')).size).toBe(0);
    await deliver('few', 'few/a', { frames: '1-5x2' });
    expect([...(await standing('few/a')).keys()]).toEqual([
      'manifest.json',
      'render_0001.png',
      'render_0003.png',
      'render_0005.png',
    ]);
    await gateway.post('/api/jobs/few/deliveries', 404, { to: `s3://${bucket}/few/a`, frames: '90' });
    await gateway.post('/api/jobs/few/deliveries', 400, { to: `s3://${bucket}/few/../x` });
    await gateway.post('/api/jobs/few/deliveries', 400, { to: 'https://elsewhere/' });
  });

  it('to a bucket without rights fails and says bucket, action and remedy', async () => {
    const { accessKeyId, secretAccessKey } = context.workerS3Settings;
    await putTarget('rights', { accessKeyId, secretAccessKey, endpoint: proxy.url });
    await seedStoredJob(context, 'rights', ['1', '2']);
    const delivery = await deliver('rights', 'rights');
    expect(delivery.state).toBe('failed');
    expect(delivery.error).toContain(
      `The bucket ${bucket} refused PutObject on s3://${bucket}/rights/render_000`,
    );
    expect(delivery.error).toContain(`Give that key s3:PutObject on arn:aws:s3:::${bucket}/rights/*`);
  });

  it('with a wrong secret, or to a bucket that is not there, fails and says so', async () => {
    await seedStoredJob(context, 'wrong', ['1']);
    await putTarget('wrong', { secretAccessKey: 'not-the-secret' });
    expect((await deliver('wrong', 'wrong')).error).toContain('Target wrong does not accept the key');
    await putTarget('nowhere', { bucket: `${bucket}-not-there`, prefix: '' });
    const lost = await ended(
      await gateway.post<Delivery>('/api/jobs/wrong/deliveries', 201, { to: `s3://${bucket}-not-there/x` }),
    );
    expect(lost.error).toContain(`There is no bucket ${bucket}-not-there`);
  });

  it('of a job with a vanished object copies the others, and names the file', async () => {
    await putTarget('vanished', { endpoint: proxy.url });
    const frames = await seedStoredJob(context, 'vanished', ['1', '2', '3']);
    const Key = frames[1]?.key ?? '';
    await context.s3.send(new DeleteObjectCommand({ Bucket: context.s3Settings.bucket, Key }));
    const delivery = await deliver('vanished', 'vanished');
    expect(delivery).toMatchObject({
      state: 'failed',
      files: { total: 3, done: 2, failed: 1 },
      error: '1 of 3 files could not be copied.',
    });
    expect(delivery.failures).toEqual([
      {
        name: 'render_0002.png',
        message: "The object of render_0002.png is not in the farm's storage any more.",
      },
    ]);
    const there = await standing('vanished');
    const manifest = jobManifestSchema.parse(JSON.parse(there.get('manifest.json')?.toString() ?? ''));
    expect(manifest.files.map(({ name }) => name)).toEqual(['render_0001.png', 'render_0003.png']);
  });

  it('goes on at another gateway where the first one was stopped, and sends no page twice', async () => {
    await putTarget('resumed', { endpoint: proxy.url });
    await seedStoredJob(
      context,
      'resumed',
      Array.from({ length: 100 }, (_, i) => `frame ${i}`),
    );
    const first = await startTestGateway(context);
    await gateway.stop();
    let puts = 0;
    let letGo: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (letGo = resolve));
    proxy.gate = (line) => (line.startsWith('PUT') && ++puts > 60 ? waiting : undefined);
    const delivery = await first.post<Delivery>('/api/jobs/resumed/deliveries', 201, {
      to: `s3://${bucket}/resumed`,
    });
    await until(() => puts > 60, 'the second page is under way', 30_000);
    const stopped = first.stop();
    letGo();
    await stopped;
    const before = proxy.requests.length;
    gateway = await startTestGateway(context);
    expect(await ended(delivery)).toMatchObject({ state: 'completed', files: { done: 100, failed: 0 } });
    const again = proxy.requests.slice(before).filter((line) => line.startsWith('PUT'));
    expect(again.filter((line) => line.includes('render_0001.png'))).toEqual([]);
    expect(again.length).toBeLessThan(61);
    expect((await standing('resumed')).size).toBe(101);
  }, 120_000);

  it('can be cancelled; what was copied stays', async () => {
    await putTarget('ended', { endpoint: proxy.url });
    await seedStoredJob(
      context,
      'ended',
      Array.from({ length: 100 }, (_, i) => `frame ${i}`),
    );
    let letGo: () => void = () => undefined;
    const waiting = new Promise<void>((resolve) => (letGo = resolve));
    let puts = 0;
    proxy.gate = (line) => (line.startsWith('PUT') && ++puts > 60 ? waiting : undefined);
    const { id } = await gateway.post<Delivery>('/api/jobs/ended/deliveries', 201, {
      to: `s3://${bucket}/ended`,
    });
    await until(() => puts > 60, 'the second page is under way', 30_000);
    expect(await gateway.post(`/api/deliveries/${id ?? ''}/cancel`, 200)).toMatchObject({
      state: 'cancelled',
    });
    letGo();
    await gateway.post(`/api/deliveries/${id ?? ''}/cancel`, 409);
    expect((await standing('ended')).has('render_0001.png')).toBe(true);
    expect(await gateway.json(`/api/deliveries/${id ?? ''}`)).toMatchObject({ files: { done: 40 } });
    const pages = await context.ledger
      .selectFrom('delivery_pages')
      .select('page')
      .where('delivery_id', '=', id ?? '')
      .execute();
    expect(pages).toEqual([]);
  }, 120_000);
});

describe('a target', () => {
  it('gives its secret to nobody: not by the API, not in the ledger, not in the log', async () => {
    const secretAccessKey = `canary-${randomBytes(8).toString('hex')}`;
    expect((await putTarget('kept', { secretAccessKey })).status).toBe(204);
    const { targets } = targetsSchema.parse(await gateway.json('/api/targets'));
    expect(targets.find(({ name }) => name === 'kept')).toMatchObject({
      bucket,
      prefix: 'kept',
      createdBy: 'api',
    });
    const rows = await context.ledger.selectFrom('delivery_targets').selectAll().execute();
    const everything = [
      JSON.stringify(targets),
      JSON.stringify(rows),
      ...rows.map(({ secret }) => secret.toString('latin1')),
      ...lines,
    ];
    expect(everything.filter((text) => text.includes(secretAccessKey))).toEqual([]);
    expect(lines.filter((line) => line.includes(context.s3Settings.secretAccessKey))).toEqual([]);
  });

  it('has to lead there, and one alone', async () => {
    await seedStoredJob(context, 'led', ['1']);
    const refused = (status: number, body: object): Promise<Problem> =>
      gateway.post<Problem>('/api/jobs/led/deliveries', status, body);
    expect((await refused(404, { to: 's3://other-bucket/x' })).detail).toContain('./farmhand target add');
    await putTarget('led-a', { prefix: 'led' });
    await putTarget('led-b', { prefix: 'led', endpoint: proxy.url });
    const several = await refused(409, { to: `s3://${bucket}/led/x` });
    expect(several.detail).toContain('led-a, led-b');
    await refused(404, { to: `s3://${bucket}/ledger` });
    await gateway.post('/api/jobs/led/deliveries', 201, { to: `s3://${bucket}/led/x`, target: 'led-a' });
    await gateway.post('/api/jobs/led/deliveries', 201, { to: `s3://${bucket}/led/x`, endpoint: proxy.url });
    expect((await gateway.fetch('/api/targets/led-a', { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.fetch('/api/targets/led-a', { method: 'DELETE' })).status).toBe(404);
  });

  it('that was changed meanwhile is given nothing for the place that it led to before', async () => {
    await seedStoredJob(context, 'moved', ['1']);
    await putTarget('moved', { endpoint: 'http://127.0.0.1:1' });
    const to = `s3://${bucket}/moved`;
    const { id } = await gateway.post<Delivery>('/api/jobs/moved/deliveries', 201, { to });
    await putTarget('moved', { prefix: 'moved-on' });
    const ended = async (): Promise<Delivery> =>
      deliverySchema.parse(await gateway.json(`/api/deliveries/${id ?? ''}`));
    await until(async () => (await ended()).state === 'failed', 'the delivery fails', 60_000);
    expect((await ended()).error).toContain(`leads to s3://${bucket}/moved-on now`);
    expect(await standing('moved')).toEqual(new Map());
  }, 120_000);

  it.each([
    'http://s3.example.com',
    'https://127.0.0.1:9000',
    'https://10.1.2.3',
    'https://[::1]',
    'https://[::ffff:169.254.169.254]',
    'https://2130706433',
    'https://s3.example.com/path',
  ])('at %s is not stored unless that is allowed', async (endpoint) => {
    const response = await putTarget('inside', { endpoint, allowPrivate: false });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Problem).detail).toContain('endpoint: got');
  });

  it('whose name leads into a private network is not connected to', async () => {
    const target = {
      name: 'rebound',
      endpoint: 'https://s3.example.com',
      region: 'us-east-1',
      bucket,
      prefix: '',
      accessKeyId: 'a',
      secretAccessKey: 'b',
      allowPrivate: false,
    };
    const asked: string[] = [];
    const client = targetClient(target, (host, _options, callback) => {
      asked.push(host);
      callback(null, [
        { address: '93.184.216.34', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ]);
    });
    await expect(client.send(new ListObjectsV2Command({ Bucket: bucket }))).rejects.toThrow(
      's3.example.com is 169.254.169.254, which is no public address',
    );
    client.destroy();
    expect(new Set(asked)).toEqual(new Set(['s3.example.com']));
  });
});
