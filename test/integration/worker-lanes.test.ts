import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerPause } from '../../src/shared/contracts/messages.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator } from '../support/play-coordinator.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** Takes minutes on any machine: whoever wants the worker does not wait for it. */
const ENDLESS_POV = `
  camera { location <0, 1, -4> look_at 0 } light_source { <5, 9, -5> rgb 1 area_light x*3, y*3, 17, 17 adaptive 0 jitter }
  sphere { 0, 1 pigment { rgb <1, 0.5, 0> } finish { reflection 0.5 } } plane { y, -1 pigment { checker rgb 1 rgb 0 } }
  global_settings { radiosity { count 1600 error_bound 0.01 } }`;

describe('what a worker takes, and gives back', () => {
  let context: TestContext;
  let farm: PlayCoordinator;
  let worker: WorkerProcess;

  async function start(environment: Record<string, string> = {}): Promise<void> {
    context = await createTestContext();
    farm = await PlayCoordinator.start(context, 'w1');
    worker = new WorkerProcess(context, {
      FARMHAND_WORKER_ID: 'w1',
      FARMHAND_WORKER_SLOTS: '4',
      ...environment,
    });
    await farm.untilReady();
  }
  afterEach(async () => {
    await worker.end();
    await context.dispose();
  });

  const heartbeat = () => farm.heartbeats.at(-1)!;
  const slotsInUse = (): number =>
    heartbeat()
      .attempts.filter((attempt) => !attempt.waiting)
      .reduce((sum, attempt) => sum + attempt.slots, 0);
  const pause = (by: WorkerPause['by'], reason = 'for a test'): WorkerPause => ({ by, reason, until: null });
  const enginesOf = (name: string): number => {
    try {
      return execFileSync('pgrep', ['-f', '-P', String(worker.pid), name])
        .toString()
        .trim()
        .split('\n').length;
    } catch {
      return 0; // pgrep found none
    }
  };
  const longRender = async () => {
    const scene = await farm.storeScene({ 'endless.pov': ENDLESS_POV }, 'endless.pov');
    const task = await farm.feed({
      engine: 'povray',
      frames: [1, 2],
      scene,
      output: { format: 'png', width: 1_600, height: 1_200 },
    });
    await until(() => enginesOf('povray') > 0, 'the engine runs');
    return task;
  };

  it('never runs more than its slots: a task of several waits in hand until they are free', async () => {
    await start();
    const small = await Promise.all(
      [1, 2, 3].map(() => farm.feed({ frames: [1, 2], settings: { frameMs: 600 } })),
    );
    await until(() => slotsInUse() === 3, 'three small tasks run');
    const big = await farm.feed({ frames: [1], slots: 3, settings: { frameMs: 200 } });
    await until(() => heartbeat().attempts.some((attempt) => attempt.waiting), 'the big one waits in hand');
    expect(farm.of(big)).toEqual([]);
    for (const task of [...small, big]) expect(await farm.end(task)).toMatchObject({ type: 'completed' });
    expect(
      Math.max(
        ...farm.heartbeats.map(({ attempts }) =>
          attempts // Of an attempt whose frames are only being stored the slots are free.
            .filter(({ frame, waiting }) => frame !== null && !waiting)
            .reduce((sum, { slots }) => sum + slots, 0),
        ),
      ),
    ).toBeLessThanOrEqual(4);
    const started = farm.statuses.filter(({ type }) => type === 'started').map(({ attempt }) => attempt);
    expect(started.at(-1)).toMatch(new RegExp(`^${big.taskId}-`));
  });

  it('takes nothing but the big task while a lane is reserved', async () => {
    await start();
    const running = await farm.feed({ frames: [1, 2, 3], settings: { frameMs: 300 } });
    await until(() => slotsInUse() === 1, 'a small task runs');
    const reserved = await PlayCoordinator.start(context, 'other');
    farm.control({
      type: 'lanes',
      lanes: [
        { lane: reserved.lane, slots: 4, kind: 'reserved' },
        { lane: farm.lane, slots: 1, kind: 'shared' },
      ],
    });
    await until(() => heartbeat().lanes.length === 2, 'it has heard of the reservation');
    const small = await farm.feed({ frames: [1] });
    const big = await reserved.feed({ frames: [1], slots: 4 });
    expect(await farm.end(running)).toMatchObject({ type: 'completed' });
    expect(await farm.end(big)).toMatchObject({ type: 'completed' });
    expect(farm.of(small)).toEqual([]);
    farm.control({ type: 'lanes', lanes: [{ lane: farm.lane, slots: 1, kind: 'shared' }] });
    expect(await farm.end(small)).toMatchObject({ type: 'completed' });
  });

  it('says where it stands, follows orders, and goes on when they end', async () => {
    await start({ FARMHAND_WORKER_SITE: 'berlin', FARMHAND_WORKER_TAGS: 'night, fast' });
    expect(heartbeat()).toMatchObject({
      site: 'berlin',
      tags: ['night', 'fast'],
      pause: null,
      state: 'idle',
    });
    const running = await farm.feed({ frames: [1, 2, 3], settings: { frameMs: 300 } });
    await until(() => slotsInUse() === 1, 'a task runs');
    const orders = { pause: pause('wrangler'), timetable: null };
    farm.control({ type: 'orders', orders });
    await until(() => heartbeat().state === 'paused', 'it is paused');
    expect(heartbeat()).toMatchObject({ orders, pause: orders.pause });
    // What it has it finishes; it takes nothing else.
    const next = await farm.feed({ frames: [1] });
    expect(await farm.end(running)).toMatchObject({ type: 'completed' });
    expect(farm.of(next)).toEqual([]);
    farm.control({ type: 'orders', orders: { pause: null, timetable: null } });
    expect(await farm.end(next)).toMatchObject({ type: 'completed' });
    farm.control({ type: 'orders', orders: { pause: null, timetable: 'never' } });
    await until(() => heartbeat().pause?.by === 'timetable', 'its hours are over');
  });

  it('gives the machine back to its owner within ten seconds, and the task without fault', async () => {
    await start();
    const task = await longRender();
    const at = Date.now();
    farm.control({ type: 'orders', orders: { pause: pause('owner', 'I need it'), timetable: null } });
    farm.control({ type: 'give-back' });
    expect(await farm.end(task, 10_000)).toMatchObject({ type: 'released', reason: 'I need it' });
    await until(() => enginesOf('povray') === 0, 'no engine is left', 10_000);
    expect(Date.now() - at).toBeLessThan(10_000);
    expect(heartbeat()).toMatchObject({ state: 'paused', pause: { by: 'owner', until: null } });
  });

  it('has ended the engines of a cancelled job within three seconds', async () => {
    await start();
    const task = await longRender();
    const at = Date.now();
    farm.stopJob(task.jobId, 'stop');
    await until(() => enginesOf('povray') === 0, 'no engine is left', 3_000);
    expect(Date.now() - at).toBeLessThan(3_000);
    expect(await farm.end(task)).toMatchObject({ type: 'released' });
  });

  it('finishes the frame under way and gives the rest back when the farm wants it', async () => {
    await start();
    const task = await farm.feed({ frames: [1, 2, 3, 4, 5], settings: { frameMs: 500 } });
    await until(() => farm.of(task).some(({ type }) => type === 'frames'), 'the second frame is under way');
    farm.control({ type: 'release', attempts: [`${task.taskId}-1-1`], reason: 'preempted' });
    const end = await farm.end(task);
    expect(end).toMatchObject({ type: 'released', reason: 'preempted' });
    expect('done' in end ? end.done.map(({ number }) => number) : []).toEqual([1, 2]);
  });
});
