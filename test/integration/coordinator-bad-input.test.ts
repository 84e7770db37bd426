import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobControl, WaitReason } from '../../src/shared/contracts/messages.ts';
import { control as send, type ControlStatus } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit } from '../support/jobs.ts';
import { manage, why } from '../support/manage.ts';

type Verb = Omit<JobControl, 'requestId'>;

const valid = { version: 1, name: 'x', engine: 'null', frames: '1-3' };
/** No worker has so many: such jobs only wait. */
const WAITS = { requires: { cores: 64 } };
const step = (name: string, dependsOn: unknown[] = []) => ({
  name,
  engine: 'null',
  frames: '1-2',
  dependsOn,
});
const steps = (...all: unknown[]) => ({ version: 1, name: 'x', steps: all });

/** One farm with one worker of 16 cores; jobs that were cancelled, have failed, are completed, and one that waits. */
describe('what can never be, and the one answer to it', () => {
  let farm: CoordinatorFarm;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    const failed = new Set<string>();
    await farm.work({
      slots: 8,
      facts: { cores: 16 },
      handle: async (task) => {
        await task.started();
        const { jobId } = task.task;
        if (jobId === 'done') return task.complete();
        // What failed and is asked for again stays under way.
        if (failed.has(jobId)) return;
        failed.add(jobId);
        await task.fail({ message: 'no camera', class: 'scene' });
      },
    });
    await submit(farm.context, { ...valid, id: 'done' });
    await submit(farm.context, { ...valid, id: 'failed', chunk: 3, maxAttempts: 1 });
    await submit(farm.context, { ...valid, id: 'failed-twice', chunk: 3, maxAttempts: 1 });
    await submit(farm.context, { ...valid, id: 'cancelled', ...WAITS });
    await submit(farm.context, { ...valid, id: 'waits', ...WAITS });
    await control('cancelled', { verb: 'cancel' });
    await jobWhen(farm.context, 'done', 'completed');
    await jobWhen(farm.context, 'failed', 'failed');
    await jobWhen(farm.context, 'failed-twice', 'failed');
  });
  afterAll(() => farm.dispose());

  const control = (jobId: string, message: Verb, requestId?: string): Promise<ControlStatus> =>
    send(farm.context, jobId, message, requestId);
  const jobIds = async (): Promise<string[]> => {
    const rows = await farm.context.ledger.selectFrom('jobs').select('id').execute();
    return rows.map(({ id }) => id).sort();
  };

  it.each<[string, Record<string, unknown>, string]>([
    [
      'a cycle',
      steps(step('a', ['c']), step('b', ['a']), step('c', ['b'])),
      'steps: got the cycle a → c → b → a, expected dependencies without a cycle',
    ],
    [
      'a cycle beside what is none',
      steps(step('first'), step('a', ['first', 'b']), step('b', ['a'])),
      'steps: got the cycle a → b → a, expected dependencies without a cycle',
    ],
    [
      'a cycle frame by frame',
      steps(step('a', [{ step: 'b', kind: 'frame', offset: -1 }]), step('b', ['a'])),
      'steps: got the cycle a → b → a, expected dependencies without a cycle',
    ],
    [
      'a cycle through an input',
      steps(
        { name: 'render', engine: 'null', frames: '1-2', dependsOn: ['video'] },
        { name: 'video', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } },
      ),
      'steps: got the cycle render → video → render, expected dependencies without a cycle',
    ],
    [
      'a step that waits for itself',
      steps(step('a', ['a'])),
      'steps[0].dependsOn: got "a", expected another step: a step cannot wait for itself',
    ],
    [
      'a job that waits for itself',
      { ...valid, id: 'me', dependsOn: [{ job: 'me' }] },
      'dependsOn[0]: got the cycle me → me, expected another job: a job cannot wait for itself',
    ],
    [
      'an unknown step',
      steps(step('a', ['z']), step('b')),
      'steps[0].dependsOn: got "z", expected a step of this job: b',
    ],
    [
      'an unknown job',
      { ...valid, dependsOn: [{ job: 'nowhere' }] },
      'dependsOn[0]: got "nowhere", expected a job of this farm: submit it first, or give it this id',
    ],
    [
      'an unknown step of a job',
      steps(step('a', [{ job: 'waits', step: 'comp' }])),
      'steps[0].dependsOn[0]: got "comp", expected a step of job waits: render',
    ],
    [
      'a job that has failed',
      { ...valid, dependsOn: [{ job: 'failed' }] },
      'dependsOn[0]: got "failed", which has failed, expected a job that can still be completed: retry it first, or leave it out',
    ],
    [
      'a job that was cancelled',
      { ...valid, dependsOn: [{ job: 'cancelled' }] },
      'dependsOn[0]: got "cancelled", which was cancelled, expected a job that can still be completed: resume it first, or leave it out',
    ],
    [
      'frames of a job that has failed',
      steps(step('a', [{ job: 'failed', kind: 'frame' }])),
      'steps[0].dependsOn[0]: got "failed", which has failed, expected a job that can still be completed: retry it first, or leave it out',
    ],
    ['chunk 0', { ...valid, chunk: 0 }, 'chunk: got 0, expected number to be >=1'],
    ['chunk -1', { ...valid, chunk: -1 }, 'chunk: got -1, expected number to be >=1'],
    [
      'half a frame a chunk',
      { ...valid, chunk: 1.5 },
      'chunk: got 1.5, expected "auto", "sequential" or a whole number of frames',
    ],
    [
      'a chunk in words',
      { ...valid, chunk: 'big' },
      'chunk: got "big", expected "auto", "sequential" or a whole number of frames',
    ],
    [
      'a limit below 0',
      { ...valid, limits: { running: -1 } },
      'limits.running: got -1, expected number to be >=1',
    ],
    ['priority 1,000', { ...valid, priority: 1_000 }, 'priority: got 1000, expected number to be <=100'],
    ['priority -1', { ...valid, priority: -1 }, 'priority: got -1, expected number to be >=0'],
    [
      'half a core',
      { ...valid, requires: { cores: 0.5 } },
      'requires.cores: got 0.5, expected a whole number of cores, or "all"',
    ],
    ['no cores', { ...valid, requires: { cores: 0 } }, 'requires.cores: got 0, expected number to be >=1'],
    [
      'a version that is none',
      { ...valid, requires: { engineVersion: 'new' } },
      'requires.engineVersion: got "new", expected a version or range such as ">=4.2", "5.x" or "3.4.1"',
    ],
  ])('refuses a document with %s', async (_what, document, problem) => {
    const before = await jobIds();
    expect(await submit(farm.context, document)).toMatchObject({
      code: 'invalid',
      message: `The job document is not valid. ${problem}`,
    });
    expect(await jobIds()).toEqual(before);
  });

  it.each<[WaitReason['cause'], Record<string, unknown>, string]>([
    [
      'cores',
      { cores: 64 },
      'It needs 64 cores for each task; the only worker with null has 16. It starts when such a worker joins, or resubmit with requires.cores=16.',
    ],
    [
      'gpus',
      { gpus: 2 },
      'It needs 2 GPUs; no worker with null has one. It starts when such a worker joins, or resubmit with requires.gpus=0.',
    ],
    [
      'tags',
      { tags: ['nope'] },
      'It needs the tag nope; no worker has nope. Give a worker the tag in FARMHAND_WORKER_TAGS, or resubmit without it.',
    ],
    [
      'engine-version',
      { engineVersion: '>=99' },
      'It needs null ≥ 99; the farm has 1 (1 worker). It starts when a worker with such a version joins, or resubmit with requires.engineVersion=1.',
    ],
    [
      'site',
      { site: 'mars' },
      'It needs the site mars; those with null are at no site (1 worker). It starts when one joins there, or resubmit with requires.preferSite in its place.',
    ],
  ])(
    'takes a job that asks for %s that no worker has, and says why it waits',
    async (cause, requires, text) => {
      const id = `wants-${cause}`;
      expect(await submit(farm.context, { ...valid, id, requires })).toMatchObject({ id, state: 'queued' });
      const explanation = await why(farm.context, id);
      expect(explanation.summary).toBe(text);
      expect(explanation.reasons).toMatchObject([{ cause, step: 'render', text }]);
      expect(explanation).toMatchObject({ state: 'queued', firstSlotSeconds: null, endSeconds: null });
    },
  );

  it.each<[string, Record<string, unknown>, string]>([
    ['chunk 0', { verb: 'chunk', chunk: 0 }, 'chunk: got 0, expected number to be >=1'],
    [
      'half a frame a chunk',
      { verb: 'chunk', chunk: 1.5 },
      'chunk: got 1.5, expected "auto", "sequential" or a whole number of frames',
    ],
    ['a limit below 0', { verb: 'limits', running: -1 }, 'running: got -1, expected number to be >=1'],
    [
      'priority 1,000',
      { verb: 'priority', priority: 1_000 },
      'priority: got 1000, expected number to be <=100',
    ],
    ['priority -1', { verb: 'priority', priority: -1 }, 'priority: got -1, expected number to be >=0'],
    [
      'a verb that is none',
      { verb: 'explode' },
      'verb: got "explode", expected one of "pause"|"resume"|"cancel"|"retry"|"skip"|"accept"|"add-frames"|"priority"|"chunk"|"limits"|"note"|"resubmit"|"keep"|"delete"|"restore"',
    ],
  ])('refuses to control a job with %s', async (_what, message, problem) => {
    const before = await jobWhen(farm.context, 'waits', 'queued');
    expect(await control('waits', message as never)).toMatchObject({
      ok: false,
      changed: false,
      message: `The control message is not valid. ${problem}`,
    });
    expect(await jobWhen(farm.context, 'waits', 'queued')).toEqual(before);
  });

  it.each<[Record<string, unknown>, string]>([
    [
      { verb: 'limit', kind: 'project', name: 'film', running: -1 },
      'running: got -1, expected number to be >=0',
    ],
    [
      { verb: 'share', kind: 'project', name: 'film', weight: -1 },
      'weight: got -1, expected number to be >=0.01',
    ],
    [
      { verb: 'guarantee', project: 'film', pool: '*', slots: -1 },
      'slots: got -1, expected number to be >=0',
    ],
  ])('refuses to manage the farm with %j', async (request, problem) => {
    expect(await manage(farm.context, request)).toMatchObject({
      ok: false,
      code: 'invalid',
      message: `The request is not valid. ${problem}`,
    });
    for (const table of ['limits', 'shares', 'guarantees'] as const)
      expect(await farm.context.ledger.selectFrom(table).selectAll().execute()).toEqual([]);
  });

  const ENDED_ANSWERS: [Verb, Record<'cancelled' | 'failed' | 'done', string>][] = [
    [
      { verb: 'pause' },
      {
        cancelled: 'The job has ended (cancelled); there is nothing to pause.',
        failed: 'The job has ended (failed); there is nothing to pause.',
        done: 'The job has ended (completed); there is nothing to pause.',
      },
    ],
    [
      { verb: 'resume' },
      {
        cancelled: 'yes',
        failed: 'The job has ended (failed); "retry" renders failed or chosen frames again.',
        done: 'The job has ended (completed); "retry" renders failed or chosen frames again.',
      },
    ],
    [
      { verb: 'cancel' },
      {
        cancelled: 'The job is cancelled already.',
        failed: 'The job has ended (failed); there is nothing to cancel.',
        done: 'The job has ended (completed); there is nothing to cancel.',
      },
    ],
    [
      { verb: 'retry' },
      {
        cancelled: 'The job is cancelled; "resume" brings its frames back, and then they can be retried.',
        failed: 'yes',
        done: 'No frame has failed or waits for a decision. Name frames to render them again.',
      },
    ],
    [
      { verb: 'retry', frames: '1' },
      {
        cancelled: 'The job is cancelled; "resume" brings its frames back, and then they can be retried.',
        failed: 'yes',
        done: 'yes',
      },
    ],
    [
      { verb: 'skip' },
      {
        cancelled: 'The job is cancelled; "resume" it first.',
        failed: 'yes',
        done: 'No frame has failed or waits for a decision. Name frames to skip others.',
      },
    ],
    [
      { verb: 'add-frames', frames: '4' },
      {
        cancelled: 'The job is cancelled; "resume" it first, then add frames.',
        failed: 'yes',
        done: 'yes',
      },
    ],
    [
      { verb: 'priority', priority: 1 },
      {
        cancelled: 'The job has ended (cancelled); its priority means nothing any more.',
        failed: 'The job has ended (failed); its priority means nothing any more.',
        done: 'The job has ended (completed); its priority means nothing any more.',
      },
    ],
    [
      { verb: 'chunk', chunk: 3 },
      {
        cancelled: 'The job has ended (cancelled); nothing of it is cut any more.',
        failed: 'The job has ended (failed); nothing of it is cut any more.',
        done: 'The job has ended (completed); nothing of it is cut any more.',
      },
    ],
    [
      { verb: 'limits', running: 3 },
      {
        cancelled: 'The job has ended (cancelled); nothing of it runs any more.',
        failed: 'The job has ended (failed); nothing of it runs any more.',
        done: 'The job has ended (completed); nothing of it runs any more.',
      },
    ],
  ];
  it.each(ENDED_ANSWERS)('answers %j for a job that has ended', async (verb, answers) => {
    for (const [id, answer] of Object.entries(answers)) {
      const before = await jobWhen(farm.context, id, () => true);
      // What it would do is another test's; here it is asked for and must not be refused.
      const outcome = await control(id, answer === 'yes' ? { ...verb, dryRun: true } : verb);
      if (answer === 'yes') expect(outcome, id).toMatchObject({ ok: true });
      else expect(outcome.message, id).toBe(answer);
      expect(outcome.changed).toBe(false);
      expect(await jobWhen(farm.context, id, () => true)).toEqual(before);
    }
  });

  it.each<[Verb, string, string]>([
    [{ verb: 'pause' }, 'Paused the job: 3 frames wait.', 'The job is paused already.'],
    [{ verb: 'resume' }, 'The job is not paused.', 'The job is not paused.'],
    [{ verb: 'cancel' }, 'Cancelled 3 frames that have not begun.', 'The job is cancelled already.'],
    [
      { verb: 'skip', frames: '1' },
      'Skipped 1 frame that has not begun.',
      'These frames are skipped already.',
    ],
    [{ verb: 'add-frames', frames: '4' }, 'Added 1 frame.', 'The step has all of these frames already.'],
    [
      { verb: 'priority', priority: 90 },
      'Set the priority of the job to 90; it acts on 3 frames that have not begun.',
      'The priority is 90 already.',
    ],
    [
      { verb: 'chunk', chunk: 2 },
      'Set chunks of 2 frames for 1 step; it acts on 3 frames that have not begun.',
      'The chunks are like that already.',
    ],
    [
      { verb: 'limits', running: 2 },
      'Let at most 2 frames of the job run at once; it acts on 3 frames that have not begun.',
      'The limit is 2 already.',
    ],
    [{ verb: 'note', note: 'hello' }, 'Added a note to the job.', 'Added a note to the job.'],
    [
      { verb: 'retry' },
      '3 frames are rendered again.',
      'No frame has failed or waits for a decision. Name frames to render them again.',
    ],
  ])(
    'does %j once for one request, and answers the second wish for the same',
    async (verb, first, second) => {
      const id = verb.verb === 'retry' ? 'failed-twice' : `twice-${verb.verb}`;
      if (verb.verb !== 'retry') await submit(farm.context, { ...valid, id, ...WAITS });
      const requestId = `once-${verb.verb}`;
      const outcome = await control(id, verb, requestId);
      expect(outcome.message).toBe(first);
      expect(await control(id, verb, requestId)).toEqual(outcome);
      expect((await control(id, verb)).message).toBe(second);
      const events = await farm.context.ledger
        .selectFrom('job_events')
        .select('message')
        .where('job_id', '=', id)
        .orderBy('key')
        .execute();
      expect(events.map(({ message }) => message)).toEqual([first, second]);
    },
  );
});
