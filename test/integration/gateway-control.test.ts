import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/shared/contracts/api.ts';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { jobControlSchema, type JobControl, type SubmitReply } from '../../src/shared/contracts/messages.ts';
import { jobStatusSubject } from '../../src/shared/contracts/subjects.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { seedJob } from '../support/ledger-rows.ts';

let context: TestContext;
let gateway: TestGateway;
/** A coordinator's connection: what a real one would say is said by the test. */
let coordinator: NatsConnection;
const undo: (() => void)[] = [];

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context);
  coordinator = await context.connectAs('coordinator');
  await seedJob(context.ledger, { id: 'j1', steps: [{ name: 'render', frames: ['ready'] }] });
});
afterEach(async () => {
  for (const step of undo.splice(0)) step();
  await coordinator.flush();
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

async function answerSubmissions(reply: (message: Msg) => SubmitReply): Promise<void> {
  const subscription = coordinator.subscribe('jobs.submit', {
    callback: (_error, message) => {
      message.respond(encodeMessage(reply(message)));
    },
  });
  undo.push(() => subscription.unsubscribe());
  await coordinator.flush();
}

describe('submitting', () => {
  it('hands over the bytes as they are, and says 201 for a new job and 200 for one that was there', async () => {
    const job = await readJobSummary(context.ledger, 'j1');
    if (!job) throw new Error('the job was written');
    const heard: string[] = [];
    await answerSubmissions((message) => {
      heard.push(message.string());
      return { id: 'j1', state: 'queued', existing: heard.length > 1, job };
    });
    const document = '{"version":1,   "name":"ü"}';
    expect(await gateway.post('/api/jobs', 201, document)).toMatchObject({
      existing: false,
      job: { id: 'j1' },
    });
    expect(await gateway.post('/api/jobs', 200, document)).toMatchObject({ existing: true });
    expect(heard).toEqual([document, document]);
  });

  it.each([
    ['invalid', 400],
    ['conflict', 409],
    ['too-large', 413],
    ['unavailable', 503],
  ] as const)('passes on that the document is %s as %i', async (code, status) => {
    const errors = [{ path: 'frames', value: '"x"', expected: 'a range' }];
    await answerSubmissions(() => ({ code, message: 'No.', errors }));
    const problem = await gateway.post<Problem>('/api/jobs', status, '{}');
    expect(problem).toMatchObject({ status, code, detail: 'No.', errors });
  });

  it('refuses more than a million bytes before anybody is asked', async () => {
    let asked = 0;
    await answerSubmissions(() => {
      asked++;
      return { code: 'invalid', message: 'No.', errors: [] };
    });
    const problem = await gateway.post<Problem>('/api/jobs', 413, ' '.repeat(1_000_001));
    expect(problem.detail).toContain('1000000 bytes');
    await gateway.post('/api/jobs', 400, ' '.repeat(1_000_000));
    expect(asked).toBe(1);
  });

  it('says that the job was not taken when no coordinator is there', async () => {
    const startedAt = performance.now();
    const problem = await gateway.post<Problem>('/api/jobs', 503, '{}');
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(problem.code).toBe('unavailable');
    expect(problem.detail).toContain('idempotencyKey');
  });
});

describe('control', () => {
  /** Takes control messages off the stream as a coordinator does. */
  async function takeControl(outcome: (control: JobControl) => object[]): Promise<JobControl[]> {
    const taken: JobControl[] = [];
    const consumer = await jetstream(coordinator).consumers.get('JOBS', {
      filter_subjects: 'jobs.control.*',
      deliver_policy: DeliverPolicy.New,
    });
    const messages = await consumer.consume();
    undo.push(() => messages.stop());
    void (async () => {
      for await (const message of messages) {
        const control = jobControlSchema.parse(message.json());
        taken.push(control);
        for (const status of outcome(control))
          coordinator.publish(jobStatusSubject('j1'), encodeMessage(status));
      }
    })();
    return taken;
  }

  it('answers with the outcome of this request and no other', async () => {
    const taken = await takeControl((control) => [
      { type: 'control', requestId: 'another', ok: false, message: 'not this one' },
      { type: 'control', requestId: control.requestId, ok: true, message: 'paused; 3 frames were running' },
    ]);
    const reply = await gateway.post('/api/jobs/j1/pause', 200);
    expect(reply).toMatchObject({ ok: true, message: 'paused; 3 frames were running' });
    expect(taken).toMatchObject([{ verb: 'pause', by: 'api' }]);
  });

  it('passes on what a verb takes', async () => {
    const taken = await takeControl((control) => [
      { type: 'control', requestId: control.requestId, ok: true, message: 'yes' },
    ]);
    await gateway.post('/api/jobs/j1/retry', 200, { requestId: 'r7', frames: '1-3', step: 'render' });
    await gateway.post('/api/jobs/j1/priority', 200, { priority: 90 });
    expect(taken).toMatchObject([
      { verb: 'retry', requestId: 'r7', frames: '1-3', step: 'render' },
      { verb: 'priority', priority: 90 },
    ]);
  });

  it('says 409 when the coordinator refuses', async () => {
    await takeControl((control) => [
      { type: 'control', requestId: control.requestId, ok: false, message: 'The job is cancelled already.' },
    ]);
    const problem = await gateway.post<Problem>('/api/jobs/j1/pause', 409);
    expect(problem.detail).toBe('The job is cancelled already.');
  });

  it('says 202 when the outcome does not come within three seconds', async () => {
    const startedAt = performance.now();
    const reply = await gateway.post('/api/jobs/j1/cancel', 202, { requestId: 'slow' });
    expect(reply).toMatchObject({ requestId: 'slow', ok: true });
    expect(performance.now() - startedAt).toBeGreaterThan(2_900);
  });

  it.each([
    ['priority', {}, 'priority'],
    ['priority', { priority: 101 }, 'priority'],
    ['priority', { priority: '50' }, 'priority'],
    ['pause', { priority: 1 }, 'priority'],
    ['cancel', { frames: '1' }, 'frames'],
    ['retry', { requestId: 'a.b' }, 'requestId'],
    ['retry', { all: true }, 'all'],
    ['retry', '{', ''],
  ])('refuses %s with %j', async (verb, body, path) => {
    const problem = await gateway.post<Problem>(`/api/jobs/j1/${verb}`, 400, body);
    expect(problem.errors?.[0]?.path).toBe(path);
  });

  it('knows no other verbs', async () => {
    await gateway.post('/api/jobs/j1/delete', 404);
  });
});
