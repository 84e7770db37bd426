import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TOKENS } from '../../src/coordinator/tokens.ts';
import type {
  ControlManyReply,
  ControlReply,
  History,
  Notes,
  Problem,
} from '../../src/shared/contracts/api.ts';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { jobControlSchema, type JobControl, type SubmitReply } from '../../src/shared/contracts/messages.ts';
import { jobStatusSubject } from '../../src/shared/contracts/subjects.ts';
import { readJobSummary } from '../../src/shared/database/job-summaries.ts';
import { startTestCoordinator, type TestCoordinator } from '../support/coordinator.ts';
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
    ['chunk', { chunk: 0 }, 'chunk'],
    ['limits', { running: -1 }, 'running'],
    ['limits', {}, 'running'],
    ['note', {}, 'note'],
    ['add-frames', { step: 'render' }, 'frames'],
    ['resubmit', { note: 'x' }, 'note'],
  ])('refuses %s with %j', async (verb, body, path) => {
    const problem = await gateway.post<Problem>(`/api/jobs/j1/${verb}`, 400, body);
    expect(problem.errors?.[0]?.path).toBe(path);
  });

  it('passes on what is wrong with a request, and what a resubmission made', async () => {
    const errors = [{ path: 'frames', value: '"x"', expected: 'a range' }];
    await takeControl(({ requestId }) => [{ type: 'control', requestId, ok: false, message: 'No.', errors }]);
    const problem = await gateway.post<Problem>('/api/jobs/j1/resubmit', 400, { set: { frames: 'x' } });
    expect(problem).toMatchObject({ code: 'invalid', detail: 'No.', errors });
    for (const step of undo.splice(0)) step();
    const figures = { steps: 1, frames: 3 };
    await takeControl(({ requestId }) => [
      { type: 'control', requestId, ok: true, message: 'Yes.', changed: true, figures, jobId: 'j2' },
    ]);
    expect(await gateway.post('/api/jobs/j1/resubmit', 200, { requestId: 'r8' })).toEqual({
      requestId: 'r8',
      ok: true,
      message: 'Yes.',
      changed: true,
      figures,
      jobId: 'j2',
    });
  });

  it('knows no other verbs', async () => {
    await gateway.post('/api/jobs/j1/destroy', 404);
  });
});

describe('control of several jobs', () => {
  let busy: TestCoordinator;
  beforeAll(async () => {
    busy = await startTestCoordinator(context);
    await busy.parts.resolve(TOKENS.nats).flush(); // from here on it hears submissions
    for (const id of ['m1', 'm2', 'm3'])
      await gateway.post('/api/jobs', 201, {
        version: 1,
        id,
        name: id,
        engine: 'null',
        frames: '1-10',
        project: id === 'm3' ? 'other' : 'many',
      });
  });
  afterAll(() => busy.stop());

  it('says in one sentence what it would do, and then what it did', async () => {
    const ids = ['m1', 'm2', 'm3'];
    const dry = await gateway.post('/api/jobs/control', 200, { verb: 'cancel', ids, dryRun: true });
    expect(dry).toMatchObject({
      ok: true,
      dryRun: true,
      message: 'Cancels 30 frames that have not begun of 3 jobs.',
      figures: { notBegun: 30 },
    });
    const filter = { project: 'many', state: ['queued'] };
    const priority = { verb: 'priority', filter, priority: 70, requestId: 'p1', by: 'ann' };
    const reply = await gateway.post<ControlManyReply>('/api/jobs/control', 200, priority);
    expect(reply.message).toBe('Set the priority of 2 jobs to 70; it acts on 20 frames that have not begun.');
    expect(reply.jobs.map((job) => job.id).toSorted()).toEqual(['m1', 'm2']);
    // The same request again is answered alike; the same wish once more changes nothing.
    expect(await gateway.post('/api/jobs/control', 200, priority)).toEqual(reply);
    expect(await gateway.post('/api/jobs/control', 200, { ...priority, requestId: 'p2' })).toMatchObject({
      ok: true,
      message: '2 jobs are as wanted already.',
    });
    const history = await gateway.json<History>('/api/jobs/m1/history');
    expect(history.events.map(({ kind, actor, ok }) => ({ kind, actor, ok }))).toEqual([
      { kind: 'priority', actor: 'ann', ok: true },
      { kind: 'priority', actor: 'ann', ok: true },
    ]);
  });

  it('names the jobs that refuse', async () => {
    const reply = await gateway.post<ControlManyReply>('/api/jobs/control', 200, {
      verb: 'pause',
      ids: ['m3', 'nowhere'],
    });
    expect(reply).toMatchObject({
      ok: false,
      message: 'Paused the job: 10 frames wait. 1 job refused it, such as nowhere: There is no job nowhere.',
    });
  });

  it('keeps notes with author and time', async () => {
    await gateway.post('/api/jobs/m2/note', 200, { note: 'grain is wrong', by: 'ann' });
    await gateway.post('/api/jobs/m2/note', 200, { note: 'fixed' });
    const { notes } = await gateway.json<Notes>('/api/jobs/m2/notes');
    expect(notes.map(({ author, text }) => [author, text])).toEqual([
      ['api', 'fixed'],
      ['ann', 'grain is wrong'],
    ]);
    await gateway.json('/api/jobs/nowhere/notes', 404);
  });

  it('submits a job again as another one', async () => {
    const set = { name: 'again', frames: '1-3' };
    const { jobId } = await gateway.post<ControlReply>('/api/jobs/m2/resubmit', 200, { set });
    expect(await gateway.json(`/api/jobs/${jobId ?? ''}`)).toMatchObject({
      name: 'again',
      frames: { total: 3 },
    });
    const problem = await gateway.post<Problem>('/api/jobs/m2/resubmit', 400, { set: { frames: 'x' } });
    expect(problem.errors?.[0]?.path).toBe('frames');
  });

  it.each([
    [{ verb: 'pause' }, 'ids'],
    [{ verb: 'pause', ids: [] }, 'ids'],
    [{ verb: 'pause', ids: ['m1'], filter: {} }, 'ids'],
    [{ verb: 'pause', filter: { colour: 'red' } }, 'filter.colour'],
    [{ verb: 'explode', ids: ['m1'] }, 'verb'],
    [{ verb: 'pause', ids: ['m1'], priority: 3 }, 'priority'],
  ])('refuses %j', async (body, path) => {
    const problem = await gateway.post<Problem>('/api/jobs/control', 400, body);
    expect(problem.errors?.[0]?.path).toBe(path);
  });
});
