import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { TaskMessage, WorkerOrders, WorkerPause } from '../../src/shared/contracts/messages.ts';
import { blenderEngine } from '../../src/worker/engines/blender/engine.ts';
import { engineHere } from '../support/engine-needs.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { PlayCoordinator, type TaskOptions } from '../support/play-coordinator.ts';
import { processesOf } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** Takes minutes on any machine: whoever wants the worker does not wait for it. */
const ENDLESS_POV = `
  camera { location <0, 1, -4> look_at 0 } light_source { <5, 9, -5> rgb 1 area_light x*3, y*3, 17, 17 adaptive 0 jitter }
  sphere { 0, 1 pigment { rgb <1, 0.5, 0> } finish { reflection 0.5 } } plane { y, -1 pigment { checker rgb 1 rgb 0 } }
  global_settings { radiosity { count 1600 error_bound 0.01 } }`;

const blender = await engineHere(blenderEngine, 'blender');
const TURNTABLE = join(import.meta.dirname, '../../examples/blender/turntable/turntable.blend');

describe('what a worker takes, and gives back', () => {
  let context: TestContext;
  let farm: PlayCoordinator;
  let worker: WorkerProcess;

  async function start(
    environment: Record<string, string> = {},
    orders: WorkerOrders = { pause: null, timetable: null },
  ): Promise<void> {
    context = await createTestContext();
    farm = await PlayCoordinator.start(context, 'w1');
    farm.orders = orders;
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
  /** Engines and what guards them: their home is a folder of the worker's, their parents may have ended before them. */
  const engines = (): number => processesOf('HOME', join(context.folder, 'worker')).length;
  const runs = async (engine: string, task: TaskOptions): Promise<TaskMessage> => {
    const fed = await farm.feed({ engine, ...task });
    await until(() => engines() > 1, 'the engine and its guard run');
    return fed;
  };
  const longRender = async () =>
    runs('povray', {
      frames: [1, 2],
      scene: await farm.storeScene({ 'endless.pov': ENDLESS_POV }, 'endless.pov'),
      output: { format: 'png', width: 1_600, height: 1_200 },
    });
  /** In the midst of its samples: what it must be stopped in is Blender itself, not the script that talks to the worker. */
  const longBlenderRender = async () => {
    const task = await runs('blender', {
      frames: [1, 2],
      scene: await farm.storeScene({ 'turntable.blend': await readFile(TURNTABLE) }, 'turntable.blend'),
      settings: { samples: 100_000 },
      output: { format: 'png', width: 1_920, height: 1_080 },
    });
    await until(() => farm.of(task).some(({ type }) => type === 'started'), 'the frame has begun', 40_000);
    await until(() => (heartbeat().attempts[0]?.frameSeconds ?? 0) > 3, 'it renders', 40_000);
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
    farm.tellLanes([
      { lane: reserved.lane, slots: 4, kind: 'reserved' },
      { lane: farm.lane, slots: 1, kind: 'shared' },
    ]);
    await until(() => heartbeat().lanes.length === 2, 'it has heard of the reservation');
    const small = await farm.feed({ frames: [1] });
    const big = await reserved.feed({ frames: [1], slots: 4 });
    expect(await farm.end(running)).toMatchObject({ type: 'completed' });
    expect(await farm.end(big)).toMatchObject({ type: 'completed' });
    expect(farm.of(small)).toEqual([]);
    farm.tellLanes([{ lane: farm.lane, slots: 1, kind: 'shared' }]);
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

  it('takes nothing when it hears with its lanes that it is paused', async () => {
    await start({}, { pause: pause('wrangler'), timetable: null });
    const task = await farm.feed({ frames: [1] });
    await until(() => heartbeat().state === 'paused', 'it is paused');
    await sleep(300);
    expect(farm.of(task)).toEqual([]);
    farm.control({ type: 'orders', orders: { pause: null, timetable: null } });
    expect(await farm.end(task)).toMatchObject({ type: 'completed', delivery: 1 });
  });

  it('gives the machine back to its owner within ten seconds, and the task without fault', async () => {
    await start();
    const task = await longRender();
    const at = Date.now();
    farm.control({ type: 'orders', orders: { pause: pause('owner', 'I need it'), timetable: null } });
    farm.control({ type: 'give-back' });
    expect(await farm.end(task, 10_000)).toMatchObject({ type: 'released', reason: 'I need it' });
    await until(() => engines() === 0, 'no engine is left', 10_000);
    expect(Date.now() - at).toBeLessThan(10_000);
    await until(() => heartbeat().state === 'paused', 'it says that it is free');
    expect(heartbeat().pause).toMatchObject({ by: 'owner', until: null });
  });

  it('has ended the engines of a cancelled job within three seconds', async () => {
    await start();
    const task = await longRender();
    const at = Date.now();
    farm.stopJob(task.jobId, 'stop');
    await until(() => engines() === 0, 'no engine is left', 3_000);
    expect(Date.now() - at).toBeLessThan(3_000);
    expect(await farm.end(task)).toMatchObject({ type: 'released' });
  });

  it.skipIf(blender.skip)(
    `has ended Blender in the midst of a frame within three seconds of a cancel${blender.note}`,
    async () => {
      await start({ FARMHAND_WORKER_SLOTS: '1' });
      const task = await longBlenderRender();
      const at = Date.now();
      farm.stopJob(task.jobId, 'stop');
      await until(() => engines() === 0, 'no engine is left', 3_000);
      expect(Date.now() - at).toBeLessThan(3_000);
      expect(await farm.end(task)).toMatchObject({ type: 'released', reason: 'the job was cancelled' });
      const next = await farm.feed({ frames: [1] });
      expect(await farm.end(next)).toMatchObject({ type: 'completed' });
    },
  );

  it.each<[string, () => void, string]>([
    [
      'paused',
      () => farm.control({ type: 'orders', orders: { pause: pause('wrangler'), timetable: null } }),
      'for a test',
    ],
    ['drained', () => farm.control({ type: 'drain' }), 'the worker drains'],
    ['ended', () => worker.signal('SIGTERM'), 'the worker ends'],
  ])('gives back what waits in hand when it is %s, and finishes what runs', async (_how, act, reason) => {
    await start({ FARMHAND_WORKER_SLOTS: '2' });
    const running = await farm.feed({ frames: [1], settings: { frameMs: 3_000 } });
    await until(() => slotsInUse() === 1, 'a task runs');
    const waiting = await farm.feed({ frames: [1, 2], slots: 2 });
    await until(() => heartbeat().attempts.some((attempt) => attempt.waiting), 'another waits in hand');
    act();
    expect(await farm.end(waiting)).toMatchObject({ type: 'released', reason, done: [] });
    expect(farm.of(running).some(({ type }) => type === 'completed')).toBe(false);
    expect(await farm.end(running)).toMatchObject({ type: 'completed' });
    expect(farm.of(waiting).map(({ type }) => type)).toEqual(['released']);
    await until(async () => (await farm.tasksLeft()) === 0, 'neither is delivered again');
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
