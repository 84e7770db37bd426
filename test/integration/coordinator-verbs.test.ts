import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobControl } from '../../src/shared/contracts/messages.ts';
import { control as send, type ControlStatus } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

type Verb = Omit<JobControl, 'requestId'>;

/** One farm without workers: what is asked here is done by the coordinator alone. */
describe('verbs for jobs', () => {
  let farm: CoordinatorFarm;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
  });
  afterAll(() => farm.dispose());

  const control = (jobId: string, message: Verb, requestId?: string): Promise<ControlStatus> =>
    send(farm.context, jobId, message, requestId);
  const job = (id: string, more: Record<string, unknown> = {}) =>
    submit(farm.context, { version: 1, id, name: 'x', engine: 'null', frames: '1-20', chunk: 1, ...more });
  const events = (jobId: string) =>
    farm.context.ledger
      .selectFrom('job_events')
      .select(['kind', 'actor', 'message', 'ok'])
      .where('job_id', '=', jobId)
      .orderBy('key')
      .execute();
  const numbers = async (jobId: string, step = 'render') => {
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select(['frames.number', 'frames.position'])
      .where('steps.job_id', '=', jobId)
      .where('steps.name', '=', step)
      .orderBy('frames.position')
      .execute();
    expect(rows.map((row) => row.position)).toEqual(rows.map((_, index) => index));
    return rows.map((row) => row.number);
  };

  it.each<[Verb, string]>([
    [{ verb: 'pause' }, 'Pauses the job: 20 frames wait.'],
    [{ verb: 'cancel' }, 'Cancels 20 frames that have not begun.'],
    [{ verb: 'cancel', drain: true }, 'Cancels 20 frames that have not begun.'],
    [{ verb: 'skip', frames: '1-5' }, 'Skips 5 frames that have not begun.'],
    [{ verb: 'add-frames', frames: '15-30' }, 'Adds 10 frames; 6 of those asked for were there already.'],
    [
      { verb: 'priority', priority: 90 },
      'Sets the priority of the job to 90; it acts on 20 frames that have not begun.',
    ],
    [
      { verb: 'chunk', chunk: 5 },
      'Sets chunks of 5 frames for 1 step; it acts on 20 frames that have not begun.',
    ],
    [
      { verb: 'limits', running: 3 },
      'Lets at most 3 frames of the job run at once; it acts on 20 frames that have not begun.',
    ],
    [{ verb: 'note', note: 'hello' }, 'Adds a note to the job.'],
    [{ verb: 'resubmit', set: { frames: '1-5' } }, 'Submits the job again as new: 1 step, 5 frames.'],
  ])('says what %j would do and changes nothing', async (verb, sentence) => {
    const id = `dry-${verb.verb}${verb.drain ? '-drain' : ''}`;
    await job(id);
    const jobRow = async () => {
      const { assets_noted, ...row } = await farm.context.ledger
        .selectFrom('jobs')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      expect(assets_noted).toBeTypeOf('boolean'); // the collector's own mark, which it sets at any time
      return row;
    };
    const state = async () => ({
      job: await jobRow(),
      steps: await farm.context.ledger.selectFrom('steps').selectAll().where('job_id', '=', id).execute(),
      notes: await farm.context.ledger.selectFrom('job_notes').selectAll().where('job_id', '=', id).execute(),
      jobs: await farm.context.ledger.selectFrom('jobs').select('id').execute(),
      events: await events(id),
    });
    const before = await state();
    expect(await control(id, { ...verb, dryRun: true })).toMatchObject({
      ok: true,
      dryRun: true,
      changed: false,
      message: sentence,
    });
    expect(await state()).toEqual(before);
  });

  it('says what resume and retry would do', async () => {
    await job('dry-again');
    await control('dry-again', { verb: 'cancel' });
    expect(await control('dry-again', { verb: 'resume', dryRun: true })).toMatchObject({
      message: 'Goes on with the job: 20 cancelled frames come back.',
    });
    await jobWhen(farm.context, 'dry-again', 'cancelled');
    await control('dry-again', { verb: 'resume' });
    await control('dry-again', { verb: 'skip', frames: '1-3' });
    expect(await control('dry-again', { verb: 'retry', frames: '1-2', dryRun: true })).toMatchObject({
      message: 'Renders 2 frames again.',
    });
    expect((await jobWhen(farm.context, 'dry-again', 'queued')).frames).toMatchObject({
      skipped: 3,
      ready: 17,
    });
  });

  it('cancels a large job at once and its frames in slices; resume brings them back', async () => {
    await job('large', { frames: '1-35000' });
    await jobWhen(farm.context, 'large', (j) => j.frames.ready === 35_000);
    const outcome = await control('large', { verb: 'cancel' });
    expect(outcome.figures).toEqual({ notBegun: 35_000 });
    // The job says so from the first moment, whatever the rows still say.
    expect(await jobWhen(farm.context, 'large', 'cancelled', 1)).toMatchObject({
      frames: { cancelled: 35_000, ready: 0 },
    });
    const count = async (state: 'ready' | 'cancelled') => {
      const row = await farm.context.ledger
        .selectFrom('frames')
        .innerJoin('steps', 'steps.key', 'frames.step_key')
        .select((e) => e.fn.countAll<string>().as('frames'))
        .where('steps.job_id', '=', 'large')
        .where('frames.state', '=', state)
        .executeTakeFirstOrThrow();
      return Number(row.frames);
    };
    await until('every row is cancelled', async () => (await count('cancelled')) === 35_000);
    await control('large', { verb: 'resume' });
    expect(await jobWhen(farm.context, 'large', 'queued', 1)).toMatchObject({
      frames: { cancelled: 0, ready: 35_000 },
    });
    // In the middle of it the other wish.
    await control('large', { verb: 'cancel' });
    await control('large', { verb: 'resume' });
    await until('every row is back', async () => (await count('ready')) === 35_000);
    const step = await farm.context.ledger
      .selectFrom('steps')
      .select(['ready', 'cancelled', 'sweep', 'state'])
      .where('job_id', '=', 'large')
      .executeTakeFirstOrThrow();
    await until('the sweep has ended', async () => {
      const { sweep } = await farm.context.ledger
        .selectFrom('steps')
        .select('sweep')
        .where('job_id', '=', 'large')
        .executeTakeFirstOrThrow();
      return sweep === null;
    });
    expect(step).toMatchObject({ ready: 35_000, cancelled: 0, state: 'queued' });
  });

  it('adds frames after those that are there; a large number of them in slices', async () => {
    await job('more', { frames: '1-4' });
    expect(await control('more', { verb: 'add-frames', frames: '3-8,1', by: 'ann' })).toMatchObject({
      ok: true,
      message: 'Added 4 frames; 3 of those asked for were there already.',
    });
    expect(await control('more', { verb: 'add-frames', frames: '3-8' })).toMatchObject({
      ok: true,
      changed: false,
      message: 'The step has all of these frames already.',
    });
    await control('more', { verb: 'add-frames', frames: '12000-1' });
    await jobWhen(farm.context, 'more', (j) => j.frames.ready === 12_000);
    expect(await numbers('more')).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8],
      ...Array.from({ length: 11_992 }, (_, index) => 12_000 - index),
    ]);
    expect(await control('more', { verb: 'add-frames', frames: '12001-10012000' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/would have 10,012,000 frames; at most 10,000,000/) as string,
    });
    expect((await events('more'))[0]).toEqual({
      kind: 'add-frames',
      actor: 'ann',
      message: 'Added 4 frames; 3 of those asked for were there already.',
      ok: true,
    });
  });

  it('changes chunks and limits, of one step or of all', async () => {
    const step = (name: string) => ({ name, engine: 'null', frames: '1-2' });
    await submit(farm.context, { version: 1, id: 'set', name: 'x', steps: [step('a'), step('b')] });
    await control('set', { verb: 'chunk', chunk: 'sequential', step: 'b' });
    await control('set', { verb: 'chunk', targetSeconds: 60 });
    expect(await control('set', { verb: 'chunk', targetSeconds: 60 })).toMatchObject({
      changed: false,
      ok: true,
    });
    const steps = await farm.context.ledger
      .selectFrom('steps')
      .select(['name', 'chunk', 'target_seconds'])
      .where('job_id', '=', 'set')
      .orderBy('name')
      .execute();
    expect(steps).toEqual([
      { name: 'a', chunk: 'auto', target_seconds: 60 },
      { name: 'b', chunk: 'sequential', target_seconds: 60 },
    ]);
    await control('set', { verb: 'limits', running: 7 });
    expect(await control('set', { verb: 'limits', running: 7 })).toMatchObject({
      changed: false,
      message: 'The limit is 7 already.',
    });
    const limit = () =>
      farm.context.ledger
        .selectFrom('jobs')
        .select('limit_running')
        .where('id', '=', 'set')
        .executeTakeFirstOrThrow();
    expect(await limit()).toEqual({ limit_running: 7 });
    await control('set', { verb: 'limits', running: null });
    expect(await limit()).toEqual({ limit_running: null });
  });

  it('keeps notes with author and time, once for each request, also for ended jobs', async () => {
    await job('noted');
    await control('noted', { verb: 'note', note: 'first', by: 'ann' }, 'n1');
    await control('noted', { verb: 'note', note: 'first', by: 'ann' }, 'n1');
    await control('noted', { verb: 'cancel' });
    await control('noted', { verb: 'note', note: 'second', by: 'bob' });
    const notes = await farm.context.ledger
      .selectFrom('job_notes')
      .select(['author', 'text', 'at'])
      .where('job_id', '=', 'noted')
      .orderBy('key')
      .execute();
    expect(notes).toEqual([
      { author: 'ann', text: 'first', at: expect.any(Date) as Date },
      { author: 'bob', text: 'second', at: expect.any(Date) as Date },
    ]);
  });

  it('submits a job again with changes, the same request once', async () => {
    await job('old', { idempotencyKey: 'k', maxAttempts: 5 });
    const verb: Verb = {
      verb: 'resubmit',
      set: { name: 'again', frames: '1-3', maxAttempts: null },
      by: 'ann',
    };
    const first = await control('old', verb, 'again1');
    expect(first).toMatchObject({
      ok: true,
      jobId: expect.any(String) as string,
      message: expect.stringMatching(
        /^Submitted the job again as new: 1 step, 3 frames\. Its id is \w+\.$/,
      ) as string,
    });
    expect(await control('old', verb, 'again1')).toEqual(first);
    const other = await control('old', verb);
    expect(other.jobId).not.toBe(first.jobId);
    const row = await farm.context.ledger
      .selectFrom('jobs')
      .select(['name', 'document', 'state'])
      .where('id', '=', first.jobId ?? '')
      .executeTakeFirstOrThrow();
    expect(row).toEqual({
      name: 'again',
      state: 'queued',
      document: { version: 1, name: 'again', engine: 'null', frames: '1-3', chunk: 1 },
    });
    expect(await events(first.jobId ?? '')).toEqual([
      { kind: 'resubmit', actor: 'ann', message: 'Submitted again from job old.', ok: true },
    ]);
  });

  it.each<[Record<string, unknown>, string, RegExp]>([
    [{ frames: '1-' }, 'frames', /1-100/],
    [{ engine: 'crayon' }, 'engine', /one of/],
    [{ priority: 1_000 }, 'priority', /100/],
    [{ 'frames.first': 1 }, 'frames.first', /does not lead through/],
  ])('says what is wrong with a resubmission with %j', async (set, path, expected) => {
    await job('wrong');
    const outcome = await control('wrong', { verb: 'resubmit', set: set as never });
    expect(outcome).toMatchObject({ ok: false, changed: false });
    expect(outcome.errors).toContainEqual(
      expect.objectContaining({ path, expected: expect.stringMatching(expected) as string }),
    );
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['chunk 0', { verb: 'chunk', chunk: 0 }, 'chunk: got 0'],
    ['a limit below 0', { verb: 'limits', running: -1 }, 'running: got -1'],
    ['priority 1,000', { verb: 'priority', priority: 1_000 }, 'priority: got 1000'],
    [
      'a field of another verb',
      { verb: 'pause', frames: '1' },
      'frames: got "1", expected nothing: only retry, skip, accept, add-frames take it',
    ],
    ['a missing field', { verb: 'note' }, 'note: got nothing, expected the text of the note'],
    ['an unknown field', { verb: 'pause', force: true }, 'force'],
    [
      'an unknown step',
      { verb: 'chunk', chunk: 2, step: 'gone' },
      'The job has no step gone; it has render.',
    ],
    ['a range that is none', { verb: 'skip', frames: 'a-b' }, '1-100'],
    ['frames that are none of its', { verb: 'skip', frames: '90-91' }, 'None of these frames is open'],
    ['nothing that failed', { verb: 'skip' }, 'No frame has failed'],
  ])('refuses %s and changes nothing', async (_what, message, expected) => {
    await job('bad');
    const outcome = await control('bad', message as never);
    expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining(expected) as string });
    expect((await jobWhen(farm.context, 'bad', 'queued')).frames.ready).toBe(20);
  });

  it('has one answer to every verb for a job that is cancelled or has ended', async () => {
    await job('cancelled');
    await control('cancelled', { verb: 'cancel' });
    await job('ended', { frames: '1-2' });
    await control('ended', { verb: 'skip', frames: '1-2' });
    await jobWhen(farm.context, 'ended', 'completed');
    const verbs: [Verb, RegExp, RegExp][] = [
      [{ verb: 'pause' }, /has ended \(cancelled\)/, /has ended \(completed\)/],
      [{ verb: 'cancel' }, /cancelled already/, /has ended \(completed\)/],
      [{ verb: 'retry' }, /is cancelled; "resume"/, /No frame has failed/],
      [{ verb: 'skip' }, /is cancelled; "resume"/, /No frame has failed/],
      [{ verb: 'add-frames', frames: '1-2' }, /is cancelled; "resume"/, /all of these frames already/],
      [{ verb: 'priority', priority: 1 }, /has ended/, /has ended/],
      [{ verb: 'chunk', chunk: 3 }, /has ended/, /has ended/],
      [{ verb: 'limits', running: 3 }, /has ended/, /has ended/],
      [{ verb: 'note', note: 'x' }, /Added a note/, /Added a note/],
    ];
    for (const [verb, cancelled, ended] of verbs) {
      expect((await control('cancelled', verb)).message).toMatch(cancelled);
      expect((await control('ended', verb)).message).toMatch(ended);
    }
    expect((await control('ended', { verb: 'resume' })).message).toMatch(/has ended \(completed\); "retry"/);
    expect(await control('nowhere', { verb: 'resubmit' })).toMatchObject({
      ok: false,
      message: 'There is no job nowhere.',
    });
  });
});
