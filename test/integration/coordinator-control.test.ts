import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/shared/domain/new-id.ts';
import { control as send } from '../support/control.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask } from '../support/scripted-worker.ts';

describe('control of jobs', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const control = async (
    jobId: string,
    message: Parameters<typeof send>[2],
    requestId?: string,
  ): Promise<{ ok: boolean; message: string }> => {
    const outcome = await send(farm.context, jobId, message, requestId);
    return { ok: outcome.ok, message: outcome.message };
  };

  const job = (id: string, more: Record<string, unknown> = {}) =>
    submit(farm.context, { version: 1, id, name: 'x', engine: 'null', frames: '1-20', chunk: 1, ...more });

  it('pauses: what waits is taken back, what runs is released; resume goes on', async () => {
    const held: HeldTask[] = [];
    const worker = await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        if (held.push(task) > 1) await task.complete();
        else await until('the test lets it go', () => worker.jobStops.length > 0);
      },
    });
    await job('j');
    await until('one runs', () => held.length === 1);
    expect(await control('j', { verb: 'pause' })).toMatchObject({ ok: true });
    await until('the worker hears of it', () => worker.jobStops.length > 0);
    expect(worker.jobStops).toEqual([{ jobId: 'j', type: 'release' }]);
    await held[0]!.say({ type: 'released', done: [], reason: 'paused', logKey: null });
    held[0]!.end();
    const paused = await jobWhen(farm.context, 'j', (j) => j.state === 'paused' && j.frames.ready === 20);
    expect(paused.frames).toMatchObject({ queued: 0, running: 0 });
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    expect((await manager.streams.info('TASKS')).state.messages).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 700)); // longer than a round of the feeder
    expect(held).toHaveLength(1);
    expect(await control('j', { verb: 'pause' })).toEqual({
      ok: true,
      message: 'The job is paused already.',
    });
    expect(await control('j', { verb: 'resume' })).toMatchObject({ ok: true });
    await jobWhen(farm.context, 'j', 'completed');
  });

  it('cancels: nothing is given out, late results change nothing; resume brings the frames back', async () => {
    const held: HeldTask[] = [];
    let finish = false;
    const worker = await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        held.push(task);
        await until('the test lets it go', () => finish || worker.jobStops.length > 0);
        if (finish) await task.complete();
      },
    });
    await job('j');
    await jobWhen(farm.context, 'j', (j) => j.frames.running === 1);
    expect(await control('j', { verb: 'cancel' })).toMatchObject({
      ok: true,
      message: expect.stringMatching(/^Cancelled 1 running frame, .* that have not begun\.$/) as string,
    });
    await until('the worker hears of it', () => worker.jobStops.length > 0);
    expect(worker.jobStops).toEqual([{ jobId: 'j', type: 'stop' }]);
    const [task] = held;
    await task!.say({ type: 'completed', done: [task!.result(task!.task.frames[0]!)], logKey: null });
    task!.end();
    const cancelled = await jobWhen(farm.context, 'j', 'cancelled');
    expect(cancelled.finishedAt).not.toBeNull();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect((await jobWhen(farm.context, 'j', 'cancelled')).frames).toMatchObject({ cancelled: 20, done: 0 });
    expect(held).toHaveLength(1);
    expect(await control('j', { verb: 'cancel' })).toEqual({
      ok: true,
      message: 'The job is cancelled already.',
    });
    expect(await control('j', { verb: 'pause' })).toMatchObject({ ok: false });
    finish = true;
    expect(await control('j', { verb: 'resume' })).toMatchObject({
      ok: true,
      message: expect.stringMatching(/20 cancelled frames come back/) as string,
    });
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ done: 20, cancelled: 0 });
  });

  it('retries failed frames, then chosen ones, each with a new generation', async () => {
    let broken = true;
    await farm.work({
      handle: async (task) => {
        await task.started();
        await (broken && task.frames.includes(3) ? task.fail({ message: 'broken' }) : task.complete());
      },
    });
    await job('j', { frames: '1-4', maxAttempts: 1 });
    await jobWhen(farm.context, 'j', 'failed');
    broken = false;
    expect(await control('j', { verb: 'retry' })).toEqual({
      ok: true,
      message: '1 frame is rendered again.',
    });
    await jobWhen(farm.context, 'j', 'completed');
    expect(await control('j', { verb: 'retry' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/No frame has failed/) as string,
    });
    expect(await control('j', { verb: 'retry', frames: '3-4' })).toMatchObject({ ok: true });
    await jobWhen(farm.context, 'j', 'completed');
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .select(['number', 'generation', 'error'])
      .orderBy('number')
      .execute();
    expect(rows.map((row) => row.generation)).toEqual([1, 1, 3, 2]);
    expect(rows.every((row) => row.error === null)).toBe(true);
    expect(await control('j', { verb: 'retry', frames: '90' })).toMatchObject({ ok: false });
    expect(await control('j', { verb: 'retry', frames: 'a-b' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/1-100/) as string,
    });
    expect(await control('j', { verb: 'retry', step: 'gone' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/no step gone/) as string,
    });
    expect(await control('j', { verb: 'resume' })).toMatchObject({
      ok: false,
      message: expect.stringMatching(/retry/) as string,
    });
  });

  it('brings back what was skipped when its reason is retried', async () => {
    let broken = true;
    await farm.work({
      handle: async (task) => {
        await task.started();
        await (broken ? task.fail({ message: 'broken' }) : task.complete());
      },
    });
    const step = (name: string, dependsOn: string[]) => ({
      name,
      engine: 'null',
      frames: '1-2',
      dependsOn,
      maxAttempts: 1,
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      steps: [step('a', []), step('b', ['a']), step('c', ['b'])],
    });
    await jobWhen(farm.context, 'j', 'failed');
    broken = false;
    expect(await control('j', { verb: 'retry', step: 'a' })).toMatchObject({
      ok: true,
      message: expect.stringMatching(/6 frames/) as string,
    });
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ done: 6, skipped: 0 });
    expect(done.error).toBeNull();
  });

  it('makes a video again whose frames are rendered again', async () => {
    const order: string[] = [];
    await farm.work({
      engines: ['null', 'ffmpeg'],
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
        { name: 'render', engine: 'null', frames: '1-4', chunk: 1 },
        { name: 'other', engine: 'null', frames: '1-2', chunk: 1 },
        { name: 'video', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } },
      ],
    });
    await jobWhen(farm.context, 'j', 'completed');
    order.length = 0;
    expect(await control('j', { verb: 'retry', step: 'render', frames: '2-3' })).toEqual({
      ok: true,
      message: '2 frames are rendered again, and the result made from them.',
    });
    const done = await jobWhen(farm.context, 'j', 'completed');
    expect(done.frames).toMatchObject({ total: 7, done: 7 });
    expect(order.toSorted()).toEqual(['render 2', 'render 3', 'video 0']);
    expect(order.at(-1)).toBe('video 0');
  });

  it('changes the priority of what is given out next', async () => {
    const order: string[] = [];
    let open = false;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        order.push(task.task.jobId);
        await until('the test lets go', () => open);
        await task.complete();
      },
    });
    await job('first');
    await job('second');
    await until('one runs', () => order.length === 1);
    expect(await control('second', { verb: 'priority', priority: 90 })).toMatchObject({
      ok: true,
      message: expect.stringMatching(/90/) as string,
    });
    expect(await control('second', { verb: 'priority' })).toMatchObject({ ok: false });
    open = true;
    await jobWhen(farm.context, 'first', 'completed');
    // What waited in the window goes first; then all of the second before the rest of the first.
    expect(order.lastIndexOf('second')).toBeLessThan(order.indexOf('second') + 20);
    expect(order.slice(0, order.indexOf('second')).length).toBeLessThanOrEqual(6);
  });

  it('does the same request once and gives it the same answer', async () => {
    await job('j');
    const requestId = newId('r');
    const first = await control('j', { verb: 'cancel', by: 'ann' }, requestId);
    await control('j', { verb: 'resume' });
    const second = await control('j', { verb: 'cancel', by: 'ann' }, requestId);
    expect(second).toEqual(first);
    expect((await jobWhen(farm.context, 'j', 'queued')).frames.ready).toBe(20);
    const events = await farm.context.ledger
      .selectFrom('job_events')
      .select(['kind', 'actor', 'ok'])
      .orderBy('key')
      .execute();
    expect(events).toEqual([
      { kind: 'cancel', actor: 'ann', ok: true },
      { kind: 'resume', actor: 'unknown', ok: true },
    ]);
  });

  it('answers for a job that does not exist, and buries what is no control message', async () => {
    expect(await control('gone', { verb: 'cancel' })).toEqual({
      ok: false,
      message: 'There is no job gone.',
    });
    await jetstream(await farm.context.connectAs('gateway')).publish(
      'jobs.control.gone',
      '{"verb":"explode"}',
    );
    await job('j');
    const refused = await control('j', { verb: 'explode' } as never);
    expect(refused).toEqual({ ok: false, message: expect.stringContaining('verb: got "explode"') as string });
    expect(await control('j', { verb: 'cancel' })).toMatchObject({ ok: true });
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    const dead = await manager.streams.info('DEAD', { subjects_filter: 'dead.>' });
    expect(dead.state.subjects).toEqual({ 'dead.control.invalid': 2 });
  });
});
