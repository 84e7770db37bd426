import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobControl } from '../../src/shared/contracts/messages.ts';
import { control as send, type ControlStatus } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask } from '../support/scripted-worker.ts';

describe('verbs for jobs that are being rendered', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  let open = false;
  afterEach(async () => {
    open = true;
    await farm.dispose();
  });

  const control = (jobId: string, message: Omit<JobControl, 'requestId'>): Promise<ControlStatus> =>
    send(farm.context, jobId, message);
  const job = (id: string, more: Record<string, unknown> = {}) =>
    submit(farm.context, { version: 1, id, name: 'x', engine: 'null', frames: '1-20', chunk: 1, ...more });
  const waitingTasks = async (): Promise<number> => {
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    return (await manager.streams.info('TASKS')).state.messages;
  };

  /** A worker that starts its tasks and holds them until the test lets go. */
  async function holding(slots = 1, engines = ['null']) {
    const held: HeldTask[] = [];
    open = false;
    const worker = await farm.work({
      slots,
      engines,
      handle: async (task) => {
        await task.started();
        held.push(task);
        await until('the test lets go', () => open || !worker.held.has(task.attempt), 60_000);
        if (worker.held.has(task.attempt)) await task.complete();
      },
    });
    return {
      worker,
      held,
      letGo: () => {
        open = true;
      },
    };
  }

  it('cancels with drain: what is rendered is finished and kept, nothing else', async () => {
    const { worker, held } = await holding();
    await job('j', { chunk: 5 });
    await jobWhen(farm.context, 'j', (j) => j.frames.running === 1);
    const outcome = await control('j', { verb: 'cancel', drain: true });
    expect(outcome.figures).toMatchObject({ running: 1 });
    expect(outcome.message).toMatch(/^Cancelled .*; 1 running frame is finished first\.$/);
    await until('the worker hears of it', () => worker.jobStops.length > 0);
    expect(worker.jobStops).toEqual([{ jobId: 'j', type: 'release' }]);
    const draining = await jobWhen(farm.context, 'j', 'running');
    expect(draining.frames).toMatchObject({ running: 1, queued: 4, cancelled: 15 });
    expect(await control('j', { verb: 'cancel', drain: true })).toMatchObject({ ok: true, changed: false });
    expect(await control('j', { verb: 'retry', frames: '1' })).toMatchObject({ ok: false });
    const [task] = held;
    await task!.say({
      type: 'released',
      done: [task!.result(task!.task.frames[0]!)],
      reason: 'the job was cancelled',
      logKey: null,
    });
    task!.end();
    const cancelled = await jobWhen(
      farm.context,
      'j',
      (j) => j.state === 'cancelled' && j.frames.cancelled === 19,
    );
    expect(cancelled.frames).toMatchObject({ done: 1, ready: 0, queued: 0 });
    expect(held).toHaveLength(1);
    await until('the rows say so, too', async () => {
      const rows = await farm.context.ledger.selectFrom('frames').select('state').execute();
      return rows.filter((row) => row.state === 'cancelled').length === 19;
    });
    expect(await control('j', { verb: 'resume' })).toMatchObject({
      message: 'Went on with the job: 19 cancelled frames come back.',
    });
    await until('the rest is given out', () => held.length === 2);
    expect(held[1]!.frames).toEqual([2, 3, 4, 5, 6]);
  });

  it('stops at once what was to be finished first', async () => {
    const { worker } = await holding();
    await job('j', { chunk: 5 });
    await jobWhen(farm.context, 'j', (j) => j.frames.running === 1);
    await control('j', { verb: 'cancel', drain: true });
    expect(await control('j', { verb: 'cancel' })).toMatchObject({ ok: true, changed: true });
    await jobWhen(farm.context, 'j', (j) => j.state === 'cancelled' && j.frames.cancelled === 20);
    await until('the worker hears of it', () => worker.jobStops.some(({ type }) => type === 'stop'));
  });

  it('makes a video again that was being made of the old frames', async () => {
    const { worker, held, letGo } = await holding(1, ['ffmpeg']);
    await farm.work({ id: 'w2', engines: ['null'] });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        { name: 'render', engine: 'null', frames: '1-4', chunk: 1 },
        { name: 'video', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } },
      ],
    });
    await until('the video is being made', () => held.length === 1);
    await jobWhen(farm.context, 'j', (j) => j.frames.running === 1);
    expect(await control('j', { verb: 'retry', step: 'render', frames: '2' })).toMatchObject({
      ok: true,
      message: '1 frame is rendered again, and the result made from them.',
    });
    const [old] = held;
    await until('the worker leaves the old one out', () =>
      worker.controls.some((each) => each.type === 'drop'),
    );
    expect(worker.controls.find((each) => each.type === 'drop')).toEqual({
      type: 'drop',
      attempt: old!.attempt,
      frames: [0],
    });
    // It was ready all the same: nobody wants it any more.
    await old!.say({ type: 'completed', done: [old!.result(old!.task.frames[0]!)], logKey: null });
    old!.end();
    await until('it is made again', () => held.length === 2);
    expect((await jobWhen(farm.context, 'j', (j) => j.frames.done === 4)).state).toBe('running');
    expect(held[1]!.task.frames).toEqual([{ number: 0, generation: 2 }]);
    letGo();
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ done: 5 });
  });

  it('skips: failed frames let the job complete, queued ones are taken back, running ones go on', async () => {
    const { worker, held, letGo } = await holding();
    await job('j', { chunk: 4, frames: '1-12' });
    await jobWhen(farm.context, 'j', (j) => j.frames.running === 1 && j.frames.queued > 3);
    expect(await control('j', { verb: 'skip', frames: '1', by: 'ann' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/are being rendered/) as string,
    });
    // 1 is rendered, 2–4 are in its chunk, the others wait.
    const outcome = await control('j', { verb: 'skip', frames: '1,3,6-12', by: 'ann' });
    expect(outcome.message).toMatch(/^Skipped .*; 1 running frame goes on\.$/);
    await until('the worker leaves one out', () => worker.controls.some((each) => each.type === 'drop'));
    expect(worker.controls.find((each) => each.type === 'drop')).toEqual({
      type: 'drop',
      attempt: held[0]!.attempt,
      frames: [3],
    });
    await held[0]!.say({
      type: 'completed',
      done: held[0]!.task.frames.map((frame) => held[0]!.result(frame)),
      logKey: null,
    });
    held[0]!.end();
    letGo();
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ done: 4, skipped: 8 });
    expect(await control('j', { verb: 'retry' })).toMatchObject({ ok: false });
    expect(await control('j', { verb: 'retry', frames: '3' })).toMatchObject({ ok: true });
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({ done: 5, skipped: 7 });
    const row = await farm.context.ledger
      .selectFrom('frames')
      .select(['error', 'state'])
      .where('number', '=', 7)
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ state: 'skipped', error: 'Skipped by ann.' });
  });

  it('lets what waits for a step go on when its failed frames are skipped', async () => {
    await farm.work({
      handle: async (task) => {
        await task.started();
        await (task.frames.includes(2) && task.task.step === 'a'
          ? task.fail({ message: 'broken' })
          : task.complete());
      },
    });
    const step = (name: string, dependsOn: string[]) => ({
      name,
      engine: 'null',
      frames: '1-2',
      chunk: 1,
      dependsOn,
      maxAttempts: 1,
    });
    await submit(farm.context, { version: 1, id: 'j', name: 'x', steps: [step('a', []), step('b', ['a'])] });
    await jobWhen(farm.context, 'j', 'failed');
    // What had been skipped because of it comes back.
    expect(await control('j', { verb: 'skip' })).toMatchObject({ message: 'Skipped 1 failed frame.' });
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ done: 3, skipped: 1 });
  });

  it('adds frames to an ended job: they are rendered, and what is made of the step is made again', async () => {
    const order: string[] = [];
    await farm.work({
      engines: ['null', 'ffmpeg'],
      slots: 1,
      handle: async (task) => {
        await task.started();
        order.push(`${task.task.step} ${task.frames.join()}`);
        await task.complete();
      },
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [
        { name: 'render', engine: 'null', frames: '1-2', chunk: 1 },
        { name: 'video', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } },
        { name: 'after', engine: 'null', frames: '1', dependsOn: ['render'] },
      ],
    });
    await jobWhen(farm.context, 'j', 'completed');
    order.length = 0;
    expect(await control('j', { verb: 'add-frames', frames: '2-4', step: 'video' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/one piece of work/) as string,
    });
    expect(await control('j', { verb: 'add-frames', frames: '2-4' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/say which with "step": render, after/) as string,
    });
    expect(await control('j', { verb: 'add-frames', frames: '2-4', step: 'render' })).toMatchObject({
      ok: true,
      message: 'Added 2 frames; 1 of those asked for was there already, and the result made from them.',
    });
    const done = await jobWhen(farm.context, 'j', (j) => j.state === 'completed' && j.frames.done === 6);
    expect(done.frames.total).toBe(6);
    expect(order).toEqual(['render 3', 'render 4', 'video 0']);
  });

  it('what has not begun waits again for a step that has more to do', async () => {
    const { held, letGo } = await holding();
    const step = (name: string, dependsOn: string[]) => ({
      name,
      engine: 'null',
      frames: '1-3',
      chunk: 1,
      dependsOn,
    });
    await submit(farm.context, { version: 1, id: 'j', name: 'x', steps: [step('a', []), step('b', ['a'])] });
    for (let n = 0; n < 3; n++) {
      await until('a frame of a runs', () => held.length === n + 1);
      await held[n]!.complete();
    }
    await jobWhen(farm.context, 'j', (j) => j.steps[1]?.frames.running === 1);
    await control('j', { verb: 'retry', step: 'a', frames: '1' });
    const waiting = await jobWhen(farm.context, 'j', (j) => j.steps[1]?.frames.waiting === 2);
    expect(waiting.steps[1]?.frames).toMatchObject({ running: 1, ready: 0, queued: 0 });
    letGo();
    await jobWhen(farm.context, 'j', 'completed');
    expect(held.map((task) => `${task.task.step}${task.frames.join()}`)).toEqual([
      'a1',
      'a2',
      'a3',
      'b1',
      'a1',
      'b2',
      'b3',
    ]);
  });

  it('takes queued tasks back when chunks change, so that the change acts at once', async () => {
    const { held, letGo } = await holding();
    await job('j', { chunk: 2 });
    await until('one runs and others wait', async () => held.length === 1 && (await waitingTasks()) > 1);
    expect(await control('j', { verb: 'chunk', chunk: 6 })).toMatchObject({ ok: true });
    letGo();
    await jobWhen(farm.context, 'j', 'completed');
    expect(held.map((task) => task.frames.length)).toEqual([2, 6, 6, 6]);
  });

  it.each<Omit<JobControl, 'requestId'>>([
    { verb: 'priority', priority: 10 },
    { verb: 'limits', running: 1 },
  ])('takes queued tasks back for %j, and leaves alone what runs', async (verb) => {
    const { held, letGo } = await holding();
    await job('j');
    await until('one runs and others wait', async () => held.length === 1 && (await waitingTasks()) > 1);
    await control('j', verb);
    const outcomes = await farm.context.ledger
      .selectFrom('tasks')
      .select(['outcome', 'state'])
      .where('job_id', '=', 'j')
      .execute();
    expect(outcomes.filter((task) => task.outcome === 'released').length).toBeGreaterThan(0);
    expect(outcomes.filter((task) => task.state === 'running')).toHaveLength(1);
    letGo();
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames.done).toBe(20);
    expect(held.flatMap((task) => task.frames).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });
});
