import { createHash } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attempts, History, LogReply, ResultsPage } from '../../src/shared/contracts/api.ts';
import { attemptsSchema, historySchema, resultsPageSchema } from '../../src/shared/contracts/api.ts';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { previewKey } from '../../src/shared/storage/keys.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedAttempt, seedJob, seedResult } from '../support/ledger-rows.ts';

let context: TestContext;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

async function store(
  key: string,
  body: string | Buffer,
): Promise<{ objectKey: string; bytes: number; sha256: string }> {
  await context.s3.send(new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: key, Body: body }));
  const sha256 = createHash('sha256').update(body).digest('hex');
  return { objectKey: key, bytes: Buffer.byteLength(body), sha256 };
}

describe('results', () => {
  it('have the names that the pattern makes, hashes, and links that give the bytes', async () => {
    const steps = await seedJob(context.ledger, {
      id: 'res',
      name: 'Bär & “Co”',
      steps: [
        { name: 'render', frames: ['ready', 'ready', 'failed'], first: 7, pattern: '{job}_{frame:04}.{ext}' },
      ],
    });
    const key = steps.get('render') ?? '';
    const first = await store('results/res/render/t1-1-1/main_0007.png', 'seven');
    await seedResult(context.ledger, key, 7, first);
    await seedResult(context.ledger, key, 8, await store('results/res/render/t1-1-1/main_0008.png', 'eight'));
    const depth = await store('results/res/render/t1-1-1/depth_0007.exr', 'deep');
    await context.ledger
      .insertInto('frame_outputs')
      .values({
        step_key: key,
        number: 7,
        name: 'depth',
        object_key: depth.objectKey,
        bytes: String(depth.bytes),
        sha256: Buffer.from(depth.sha256, 'hex'),
      })
      .execute();

    const page = await gateway.json<ResultsPage>('/api/jobs/res/results?limit=1');
    resultsPageSchema.parse(page);
    expect(page.files.map(({ url: _url, ...file }) => file)).toEqual([
      {
        step: 'render',
        frame: 7,
        output: 'main',
        name: 'Bär & “Co”_0007.png',
        bytes: 5,
        sha256: first.sha256,
      },
      {
        step: 'render',
        frame: 7,
        output: 'depth',
        name: 'Bär & “Co”_0007_depth.exr',
        bytes: 4,
        sha256: depth.sha256,
      },
    ]);
    const download = await fetch(page.files[0]?.url ?? '');
    expect(await download.text()).toBe('seven');
    expect(download.headers.get('content-disposition')).toContain(`filename*=UTF-8''B%C3%A4r%20%26%20`);
    const rest = await gateway.json<ResultsPage>(`/api/jobs/res/results?cursor=${page.next ?? ''}`);
    expect(rest.files.map((file) => file.name)).toEqual(['Bär & “Co”_0008.png']);
    expect(rest.next).toBeNull();
    expect((await gateway.json<ResultsPage>('/api/jobs/res/results?from=8')).files).toHaveLength(1);
    expect((await gateway.json<ResultsPage>('/api/jobs/res/results?step=other')).files).toEqual([]);
  });

  it('links hold five minutes and for their object only', async () => {
    const { files } = await gateway.json<ResultsPage>('/api/jobs/res/results');
    const url = new URL(files[0]?.url ?? '');
    expect(Number(url.searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(300);
    url.pathname = url.pathname.replace('0007', '0008');
    expect((await fetch(url)).status).toBe(403);
  });
});

describe('pictures of frames', () => {
  it('are where the gateway sends the browser, and are kept as long as the generation is the newest', async () => {
    const steps = await seedJob(context.ledger, {
      id: 'pic',
      steps: [{ name: 'render', frames: ['ready', 'ready'] }],
    });
    const large = 'one'.repeat(30_000);
    await seedResult(
      context.ledger,
      steps.get('render') ?? '',
      1,
      await store('results/pic/render/a/main_0001.png', large),
    );
    await store(previewKey({ jobId: 'pic', step: 'render', frame: 1, generation: 1 }), 'small');

    for (const [what, body] of [
      ['image', large],
      ['thumbnail', 'small'],
    ]) {
      const path = `/api/jobs/pic/frames/render/1/${what ?? ''}`;
      const plain = await gateway.fetch(path);
      expect([plain.status, plain.headers.get('cache-control')]).toEqual([302, 'private, no-cache']);
      expect(await (await fetch(plain.headers.get('location') ?? '')).text()).toBe(body);
      const kept = await gateway.fetch(`${path}?g=1`);
      expect(kept.headers.get('cache-control')).toBe('private, max-age=240');
      const old = await gateway.fetch(`${path}?g=2`);
      expect(old.headers.get('cache-control')).toBe('private, no-cache');
      await gateway.json(path.replace('/1/', '/2/'), 404);
      await gateway.json(path.replace('/1/', '/99/'), 404);
      await gateway.json(path.replace('/1/', '/1.5/'), 400);
    }
  });

  it.each([
    ['main_0001.png', 'a small picture', 302],
    ['main_0001.exr', 'what browsers cannot show', 404],
  ])('%s with %s: its thumbnail answers %d', async (file, body, status) => {
    const id = file.replace('.', '-');
    const steps = await seedJob(context.ledger, { id, steps: [{ name: 'render', frames: ['ready'] }] });
    await seedResult(
      context.ledger,
      steps.get('render') ?? '',
      1,
      await store(`results/${id}/render/a/${file}`, body),
    );
    const answer = await gateway.fetch(`/api/jobs/${id}/frames/render/1/thumbnail`);
    expect(answer.status).toBe(status);
    if (status === 302) expect(await (await fetch(answer.headers.get('location') ?? '')).text()).toBe(body);
  });
});

describe('logs', () => {
  const line = 'Sample 1/64 – Zwölf Boxkämpfer 🙂\n';

  it('of an ended attempt come from the store, piece by piece', async () => {
    const text = line.repeat(15_000);
    const logKey = 'logs/logged/t1/1-1.log.zst';
    await store(logKey, zstdCompressSync(Buffer.from(text)));
    const steps = await seedJob(context.ledger, {
      id: 'logged',
      steps: [{ name: 'render', frames: ['ready'] }],
    });
    const attempt = await seedAttempt(context.ledger, {
      jobId: 'logged',
      stepKey: steps.get('render') ?? '',
      frames: [1, 2, 3, 5],
      outcome: 'failed',
      error: 'it broke',
      logKey,
    });

    const list = attemptsSchema.parse(await gateway.json<Attempts>('/api/jobs/logged/logs'));
    expect(list.attempts).toMatchObject([
      { id: attempt, step: 'render', frames: '1-3,5', outcome: 'failed', error: 'it broke' },
    ]);
    let read = '';
    let pieces = 0;
    for (let offset = 0; ;) {
      const piece = await gateway.json<LogReply>(`/api/jobs/logged/logs?attempt=${attempt}&offset=${offset}`);
      expect(Buffer.byteLength(piece.text)).toBeLessThanOrEqual(262_144);
      read += piece.text;
      pieces++;
      offset = piece.nextOffset;
      if (piece.ended) break;
    }
    expect(read === text).toBe(true);
    expect(pieces).toBeGreaterThan(2);
  });

  it('of a running attempt come from the stream, without those of other attempts', async () => {
    const steps = await seedJob(context.ledger, {
      id: 'running',
      steps: [{ name: 'render', frames: ['running'] }],
    });
    const attempt = await seedAttempt(context.ledger, {
      jobId: 'running',
      stepKey: steps.get('render') ?? '',
      frames: [1],
    });
    const taskId = attempt.slice(0, -4);
    const publisher = jetstream(await context.connectAs('worker'));
    const send = (of: string, offset: number, text: string): Promise<unknown> =>
      publisher.publish(`logs.running.${taskId}`, encodeMessage({ version: 1, attempt: of, offset, text }));
    expect(await gateway.json(`/api/jobs/running/logs?attempt=${attempt}`)).toMatchObject({
      text: '',
      ended: false,
    });
    await send(attempt, 0, 'first\n');
    await send(`${taskId}-1-9`, 0, 'another attempt\n');
    await send(attempt, 0, 'first\n');
    await send(attempt, 6, 'second\n');
    await publisher.publish(`logs.running.${taskId}`, 'not JSON');
    const read = (offset: number): Promise<LogReply> =>
      gateway.json(`/api/jobs/running/logs?attempt=${attempt}&offset=${offset}`);
    expect(await read(0)).toMatchObject({ text: 'first\nsecond\n', nextOffset: 13, ended: false });
    expect(await read(6)).toMatchObject({ offset: 6, text: 'second\n' });
  });

  it('are only those of the job that is asked', async () => {
    const { attempts } = await gateway.json<Attempts>('/api/jobs/logged/logs');
    const attempt = attempts[0]?.id ?? '';
    await gateway.json(`/api/jobs/running/logs?attempt=${attempt}`, 404);
    await gateway.json('/api/jobs/logged/logs?attempt=../x', 400);
    await gateway.json(`/api/jobs/logged/logs?attempt=${attempt}&offset=-1`, 400);
  });
});

describe('the history of a job', () => {
  it('says who did what, newest first, in pages', async () => {
    await seedJob(context.ledger, { id: 'told' });
    for (const kind of ['submitted', 'paused', 'resumed']) {
      await context.ledger
        .insertInto('job_events')
        .values({ job_id: 'told', request_id: null, kind, actor: 'page', message: `was ${kind}` })
        .execute();
    }
    const first = historySchema.parse(await gateway.json<History>('/api/jobs/told/history?limit=2'));
    expect(first.events.map((event) => event.kind)).toEqual(['resumed', 'paused']);
    const second = await gateway.json<History>(`/api/jobs/told/history?limit=2&cursor=${first.next ?? ''}`);
    expect(second).toMatchObject({ events: [{ kind: 'submitted', actor: 'page' }], next: null });
  });
});
