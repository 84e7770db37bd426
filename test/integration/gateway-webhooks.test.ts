import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import type { FrameChange } from '../../src/shared/contracts/messages.ts';
import { jobStatusSubject } from '../../src/shared/contracts/subjects.ts';
import type {
  CreatedWebhook,
  DeliveriesPage,
  Delivery,
  Webhook,
  WebhookRequest,
} from '../../src/shared/contracts/webhook-api.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import type { FrameState, JobState } from '../../src/shared/domain/states.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { isSignedWith, startHookReceiver, type HookReceiver } from '../support/hook-receiver.ts';
import { seedJob } from '../support/ledger-rows.ts';
import { until } from '../support/until.ts';

const ALLOW = { FARMHAND_WEBHOOK_ALLOW: '127.0.0.1' };

let context: TestContext;
let gateway: TestGateway;
/** What a coordinator would say is said by the test. */
let coordinator: NatsConnection;
const receivers: HookReceiver[] = [];

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context, ALLOW);
  coordinator = await context.connectAs('coordinator');
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
  const { webhooks } = await gateway.json<{ webhooks: Webhook[] }>('/api/webhooks');
  for (const { id } of webhooks) await gateway.fetch(`/api/webhooks/${id}`, { method: 'DELETE' });
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

async function receiver(): Promise<HookReceiver> {
  const made = await startHookReceiver();
  receivers.push(made);
  return made;
}

const addHook = (request: Partial<WebhookRequest>, through = gateway) =>
  through.post<CreatedWebhook>('/api/webhooks', 201, request);

/** A job in a state, and the word that a coordinator says of it. */
async function jobComesTo(
  id: string,
  state: JobState,
  { frames = ['done'], project = 'film' }: { frames?: FrameState[]; project?: string } = {},
): Promise<void> {
  const known = await readJobSummary(context.ledger, id);
  if (!known) await seedJob(context.ledger, { id, project, state, steps: [{ name: 'render', frames }] });
  await sql`UPDATE jobs SET state = ${state}, finished_at = CASE WHEN ${state} IN ('completed','failed','cancelled') THEN now() END,
    delivered_at = CASE WHEN ${state} = 'completed' THEN now() ELSE delivered_at END WHERE id = ${id}`.execute(
    context.ledger,
  );
  await say(id);
}

async function say(id: string, frames: FrameChange[] | null = []): Promise<void> {
  const job = await readJobSummary(context.ledger, id);
  if (!job) throw new Error('the job was written');
  await jetstream(coordinator).publish(jobStatusSubject(id), encodeMessage({ type: 'job', job, frames }));
}

const typesOf = ({ heard }: HookReceiver): string[] => heard.map(({ event }) => event.type).sort();
const log = (id: string) => gateway.json<DeliveriesPage>(`/api/webhooks/${id}/deliveries`);

/** As if so many seconds had passed for everything that waits. */
async function timePasses(seconds: number): Promise<void> {
  await sql`UPDATE webhook_deliveries SET next_at = next_at - make_interval(secs => ${seconds}) WHERE state = 'pending'`.execute(
    context.ledger,
  );
}

describe('a webhook', () => {
  it('is told that a job was completed and delivered, signed as Standard Webhooks are', async () => {
    const target = await receiver();
    const { id, secret } = await addHook({ url: `${target.url}/hook?key=1` });
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await jobComesTo('done-1', 'completed');
    await until(() => target.heard.length >= 2, 'both were told');
    expect(typesOf(target)).toEqual(['job.completed', 'job.delivered']);
    for (const hook of target.heard) {
      expect(isSignedWith(hook, secret)).toBe(true);
      expect(isSignedWith({ ...hook, body: hook.body.replace('film', 'fil_') }, secret)).toBe(false);
      expect(Math.abs(Number(hook.headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(120);
      expect(hook).toMatchObject({
        path: '/hook?key=1',
        event: { data: { job: { id: 'done-1', project: 'film', state: 'completed' } } },
      });
    }
    // Further words of the job are no news.
    await say('done-1');
    await jobComesTo('done-2', 'failed');
    await until(() => target.heard.length >= 3, 'the next job was told');
    expect(target.heard[2]?.event.type).toBe('job.failed');
    await until(
      async () => (await log(id)).deliveries.every(({ state }) => state === 'delivered'),
      'the log has it',
    );
  });

  it('hears only of what it asked for', async () => {
    const [farm, film, one, named] = [await receiver(), await receiver(), await receiver(), await receiver()];
    await addHook({ url: farm.url, events: ['job.failed'] });
    await addHook({ url: film.url, scope: { kind: 'project', project: 'other' } });
    await addHook({ url: one.url, scope: { kind: 'job', job: 'scope-1' } });
    await addHook({ id: 'bot', url: named.url, scope: { kind: 'named' } });
    await seedJob(context.ledger, { id: 'scope-3', steps: [{ name: 'render', frames: ['done'] }] });
    await sql`UPDATE jobs SET document = document || '{"webhooks": ["bot"]}' WHERE id = 'scope-3'`.execute(
      context.ledger,
    );
    await jobComesTo('scope-1', 'cancelled');
    await jobComesTo('scope-2', 'cancelled', { project: 'other' });
    await jobComesTo('scope-3', 'cancelled');
    await jobComesTo('scope-4', 'failed');
    await until(() => farm.heard.length >= 1, 'the last job was told');
    await until(() => [film, one, named].every(({ heard }) => heard.length >= 1), 'the others were told');
    const jobs = ({ heard }: HookReceiver) =>
      heard.map(({ event }) => (event.data['job'] as { id: string }).id);
    expect([farm, film, one, named].map(jobs)).toEqual([['scope-4'], ['scope-2'], ['scope-1'], ['scope-3']]);
  });

  it('is told which frames wait for a decision and how to answer, once for each time', async () => {
    const target = await receiver();
    await addHook({ url: target.url, events: ['job.held', 'frame.held', 'frame.failed'] });
    await jobComesTo('held-1', 'held', { frames: ['done', 'held', 'held'] });
    await until(() => target.heard.length >= 1, 'it was told');
    expect(target.heard[0]?.event).toMatchObject({
      type: 'job.held',
      data: {
        frames: {
          count: 2,
          listed: [
            { step: 'render', number: 2 },
            { step: 'render', number: 3 },
          ],
        },
        decide: { path: '/api/jobs/held-1/{verb}' },
      },
    });
    await say('held-1');
    await jobComesTo('held-1', 'running');
    await jobComesTo('held-1', 'held');
    const change = { step: 'render', generation: 1, worker: 'w1', seconds: null, error: 'black' } as const;
    await say('held-1', [{ ...change, number: 1, state: 'failed' }]);
    await until(() => target.heard.length >= 3, 'what came after was told');
    expect(typesOf(target)).toEqual(['frame.failed', 'job.held', 'job.held']);
    expect(new Set(target.heard.map(({ id }) => id)).size).toBe(3);
    const failed = target.heard.find(({ event }) => event.type === 'frame.failed');
    expect(failed?.event.data['frames']).toEqual({
      count: 1,
      listed: [{ step: 'render', number: 1, generation: 1, worker: 'w1', error: 'black' }],
    });
  });

  it('hears of what the ledger has and nobody announced', async () => {
    const target = await receiver();
    await addHook({ url: target.url });
    await gateway.stop();
    await seedJob(context.ledger, {
      id: 'silent-1',
      state: 'failed',
      steps: [{ name: 'render', frames: ['failed'] }],
    });
    await seedJob(context.ledger, {
      id: 'silent-2',
      state: 'held',
      steps: [{ name: 'render', frames: ['held'] }],
    });
    // It ended after the webhook was made and some time ago.
    await sql`UPDATE webhooks SET created_at = created_at - interval '1 minute'`.execute(context.ledger);
    await sql`UPDATE jobs SET finished_at = now() - interval '20 seconds' WHERE id = 'silent-1'`.execute(
      context.ledger,
    );
    gateway = await startTestGateway(context, ALLOW);
    await until(() => target.heard.length >= 3, 'both were told', 50_000);
    expect(typesOf(target)).toEqual(['frame.held', 'job.failed', 'job.held']);
    // The word that comes late is no news: the same event has the same id.
    await say('silent-1');
    await jobComesTo('silent-3', 'cancelled');
    await until(() => target.heard.some(({ body }) => body.includes('silent-3')), 'a later job was told');
    expect(target.heard.filter(({ body }) => body.includes('silent-1'))).toHaveLength(1);
  });
});

describe('a receiver that answers 500', () => {
  it('is tried again ever later for a day; then the delivery has failed, and can be sent again', async () => {
    const target = await receiver();
    target.answer((response) => response.writeHead(500).end('out of order'));
    const { id } = await addHook({ url: target.url });
    await jobComesTo('retry-1', 'failed');
    const waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 23_095];
    for (const [index, wait] of waits.entries()) {
      await until(
        async () => (await log(id)).deliveries[0]?.tries.length === index + 1,
        `try ${index + 1} was made`,
      );
      const [delivery] = (await log(id)).deliveries;
      expect(delivery).toMatchObject({ state: 'pending', endedAt: null });
      const { rows } = await sql<{ left: number }>`SELECT extract(epoch FROM next_at - now())::float8 AS left
        FROM webhook_deliveries WHERE state = 'pending'`.execute(context.ledger);
      expect(rows[0]?.left).toBeLessThanOrEqual(wait * 1.1);
      // Less only by what passed since, which a busy machine makes long; five seconds may be over already.
      expect(rows[0]?.left).toBeGreaterThan(wait - 60);
      await timePasses(wait * 1.1);
    }
    await until(async () => (await log(id)).deliveries[0]?.state === 'failed', 'it was given up');
    expect(target.heard).toHaveLength(8);
    expect(new Set(target.heard.map((hook) => hook.id)).size).toBe(1);
    const [failed] = (await log(id)).deliveries;
    expect(failed?.tries.at(-1)).toMatchObject({
      status: 500,
      error: 'It answered 500.',
      response: 'out of order',
    });
    expect(await gateway.json<Webhook>(`/api/webhooks/${id}`)).toMatchObject({
      failed: 1,
      pending: 0,
      failing: { error: 'It answered 500.' },
    });

    target.answer((response) => response.writeHead(200).end('thanks'));
    const again = await gateway.post<Delivery>(
      `/api/webhooks/${id}/deliveries/${failed?.id ?? ''}/redeliver`,
      202,
    );
    expect(again).toMatchObject({ id: failed?.id, state: 'pending' });
    await until(async () => (await log(id)).deliveries[0]?.state === 'delivered', 'it was taken');
    expect(target.heard.at(-1)?.id).toBe(target.heard[0]?.id);
    expect(await gateway.json<Webhook>(`/api/webhooks/${id}`)).toMatchObject({ failed: 0, failing: null });
  }, 120_000);
});

describe('several gateways', () => {
  it('share the work: what one was sending when it died is sent again, and each only once at a time', async () => {
    const other = await startTestGateway(context, ALLOW);
    try {
      const target = await receiver();
      const answers: (() => void)[] = [];
      const openIds = new Map<string, number>();
      let twice = 0;
      target.answer((response, hook) => {
        const open = (openIds.get(hook.id) ?? 0) + 1;
        openIds.set(hook.id, open);
        if (open > 1) twice++;
        answers.push(() => {
          openIds.set(hook.id, (openIds.get(hook.id) ?? 1) - 1);
          response.writeHead(204).end();
        });
        setTimeout(() => answers.shift()?.(), 30);
      });
      const { id } = await addHook({ url: target.url, events: ['job.cancelled'] });
      for (let n = 0; n < 40; n++) await jobComesTo(`many-${n}`, 'cancelled');
      await until(
        async () => {
          const { deliveries } = await log(id);
          return deliveries.length === 40 && deliveries.every(({ state }) => state === 'delivered');
        },
        'all were delivered',
        60_000,
      );
      expect(twice).toBe(0);
      expect(target.heard).toHaveLength(40);
      expect(target.mostOpen()).toBeGreaterThan(1);
    } finally {
      await other.stop();
    }
  });

  it('go on where one has ended: what happened while none was there is told', async () => {
    const target = await receiver();
    const { id } = await addHook({ url: target.url });
    await jobComesTo('down-1', 'cancelled');
    await until(() => target.heard.length === 1, 'the first was told');
    await gateway.stop();
    await jobComesTo('down-2', 'cancelled');
    await jobComesTo('down-3', 'held', { frames: ['held'] });
    await jobComesTo('down-3', 'running');
    gateway = await startTestGateway(context, ALLOW);
    await until(() => target.heard.length >= 3, 'the others were told');
    expect(typesOf(target)).toEqual(['job.cancelled', 'job.cancelled', 'job.held']);
    await until(
      async () => (await log(id)).deliveries.every(({ state }) => state === 'delivered'),
      'the log has it',
    );
  });

  it('send again what a gateway was sending when it was killed', async () => {
    const target = await receiver();
    let hang = true;
    target.answer((response) => {
      if (!hang) response.writeHead(204).end();
    });
    const { id } = await addHook({ url: target.url });
    await gateway.stop();
    const tokenFile = join(context.folder, 'token-of-process');
    await writeFile(tokenFile, 'x'.repeat(64), { mode: 0o600 });
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '..', '..', 'src', 'gateway', 'main.ts')],
      {
        env: {
          ...context.environmentOf('gateway'),
          ...ALLOW,
          FARMHAND_GATEWAY_PORT: '0',
          FARMHAND_TOKEN_FILE: tokenFile,
        },
        stdio: 'ignore',
      },
    );
    const ended = once(child, 'exit');
    try {
      await jobComesTo('killed-1', 'cancelled');
      await until(() => target.heard.length === 1, 'the process sends', 60_000);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
    hang = false;
    gateway = await startTestGateway(context, ALLOW);
    await timePasses(60);
    await until(async () => (await log(id)).deliveries[0]?.state === 'delivered', 'it was delivered');
    expect(target.heard.map((hook) => hook.id)).toEqual([target.heard[0]?.id, target.heard[0]?.id]);
  }, 120_000);

  it('take over what a gateway that was killed had claimed', async () => {
    const target = await receiver();
    const { id } = await addHook({ url: target.url });
    await gateway.stop();
    // As a gateway leaves it that dies in the middle of a try.
    await sql`INSERT INTO webhook_events (id, type, job_id, body) VALUES ('evt_x', 'job.failed', 'x', '{"type":"job.failed"}')`.execute(
      context.ledger,
    );
    await sql`INSERT INTO webhook_deliveries (webhook_id, event_id, claim, next_at)
      VALUES (${id}, 'evt_x', 'dead', now() + interval '60 seconds')`.execute(context.ledger);
    gateway = await startTestGateway(context, ALLOW);
    expect(target.heard).toHaveLength(0);
    await timePasses(60);
    await until(() => target.heard.length === 1, 'it was sent');
    expect(target.heard[0]?.id).toBe('evt_x');
  });
});

describe('secrets', () => {
  it('are shown once and rotate: for a while both count', async () => {
    const target = await receiver();
    const made = await addHook({ id: 'rotating', url: target.url });
    const next = await gateway.post<CreatedWebhook>('/api/webhooks/rotating/rotate', 200, {});
    expect(next.secret).not.toBe(made.secret);
    expect(next.previousSecretUntil).not.toBeNull();
    await gateway.post('/api/webhooks/rotating/test', 202);
    await until(() => target.heard.length === 1, 'the ping came');
    const [ping] = target.heard;
    if (!ping) throw new Error('it was heard');
    expect(ping.event).toMatchObject({ type: 'ping', data: { webhook: 'rotating' } });
    expect([isSignedWith(ping, made.secret), isSignedWith(ping, next.secret)]).toEqual([true, true]);

    await gateway.post('/api/webhooks/rotating/rotate', 200, { keepSeconds: 0 });
    await gateway.post('/api/webhooks/rotating/test', 202);
    await until(() => target.heard.length === 2, 'the second ping came');
    const last = target.heard[1];
    if (!last) throw new Error('it was heard');
    expect([isSignedWith(last, made.secret), isSignedWith(last, next.secret)]).toEqual([false, false]);

    const { rows } = await sql<{ found: boolean }>`
      SELECT position(${Buffer.from('whsec_')}::bytea IN secret || previous_secret) > 0 AS found FROM webhooks`.execute(
      context.ledger,
    );
    expect(rows).toEqual([{ found: false }]);
    for (const path of ['/api/webhooks', '/api/webhooks/rotating', '/api/webhooks/rotating/deliveries'])
      expect(await (await gateway.fetch(path)).text()).not.toContain('whsec_');
  });
});

it('a secret that cannot be read any more is said, and a new one helps', async () => {
  const target = await receiver();
  const { id } = await addHook({ url: target.url });
  await sql`UPDATE webhooks SET secret = 'sealed by another key'`.execute(context.ledger);
  await gateway.post(`/api/webhooks/${id}/test`, 202);
  await until(async () => (await log(id)).deliveries[0]?.tries.length === 1, 'it was tried');
  expect(await gateway.json(`/api/webhooks/${id}`)).toMatchObject({
    failing: { error: expect.stringMatching(/webhooks rotate/) as unknown },
  });
  expect(target.heard).toEqual([]);
  const { secret } = await gateway.post<CreatedWebhook>(`/api/webhooks/${id}/rotate`, 200, {});
  await timePasses(60);
  await until(() => target.heard.length === 1, 'it was sent');
  const [hook] = target.heard;
  expect(hook && isSignedWith(hook, secret)).toBe(true);
});
