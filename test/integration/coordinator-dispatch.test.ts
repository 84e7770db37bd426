import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TOKENS } from '../../src/coordinator/tokens.ts';
import { storeAsset } from '../support/assets.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask, ScriptedWorker, ScriptedWorkerOptions } from '../support/scripted-worker.ts';

const GIB = 1_073_741_824;

describe('which work goes where', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const document = (id: string, more: Record<string, unknown> = {}) => ({
    version: 1,
    id,
    name: id,
    engine: 'null',
    frames: '1-4',
    chunk: 1,
    ...more,
  });
  /** A worker that keeps what it gets until the test ends it. */
  const keeper = async (
    options: ScriptedWorkerOptions,
  ): Promise<{ worker: ScriptedWorker; held: HeldTask[]; finish: () => Promise<void> }> => {
    const held: HeldTask[] = [];
    const worker = await farm.work({
      ...options,
      handle: async (task) => {
        held.push(task);
        await task.started();
      },
    });
    const finish = async (): Promise<void> => {
      for (const task of held.splice(0)) await task.complete();
    };
    return { worker, held, finish };
  };
  const pulls = (worker: ScriptedWorker): Promise<void> =>
    until(`${worker.id} knows its lanes`, () => worker.controls.some(({ type }) => type === 'lanes'));
  const jobsOf = (held: readonly HeldTask[]): string[] => held.map(({ task }) => task.jobId);

  it('gives a whole machine to a task that needs it, while small ones keep coming', async () => {
    let small = 0;
    let together = 0;
    const worker = await farm.work({
      slots: 4,
      handle: async (task) => {
        await task.started();
        const big = task.task.slots === 4;
        if (big && worker.held.size > 1) together++;
        if (!big) small++;
        await sleep(big ? 300 : 100);
        if (big && worker.held.size > 1) together++;
        await task.complete();
      },
    });
    await pulls(worker);
    await submit(farm.context, document('small', { frames: '1-400' }));
    await until('small tasks run', () => small > 4);
    await submit(farm.context, document('big', { frames: '1', requires: { cores: 'all' } }));
    await jobWhen(farm.context, 'big', 'completed');
    const before = await jobWhen(farm.context, 'small', 'running');
    expect(before.frames.done).toBeLessThan(400);
    expect(together).toBe(0);
    expect(worker.tasks.filter((task) => task.jobId === 'big')).toMatchObject([{ slots: 4, gpus: 0 }]);
    const after = small;
    await until('small tasks go on', () => small > after + 4);
  });

  it('prefers a site, spills over when it is full, and goes nowhere else when the site is required', async () => {
    const berlin = await keeper({ id: 'b1', facts: { site: 'berlin' } });
    const oslo = await keeper({ id: 'o1', facts: { site: 'oslo' } });
    await Promise.all([pulls(berlin.worker), pulls(oslo.worker)]);
    await submit(farm.context, document('j', { frames: '1-2', requires: { preferSite: 'oslo' } }));
    await until('both are in Oslo', () => oslo.held.length === 2);
    await submit(farm.context, document('k', { frames: '1', requires: { preferSite: 'oslo' } }));
    await until('it spills over', () => jobsOf(berlin.held).includes('k'));
    await submit(farm.context, document('must', { frames: '1', requires: { site: 'oslo' } }));
    await sleep(1_000);
    expect(jobsOf(berlin.held)).toEqual(['k']);
    await oslo.finish();
    await until('its turn comes in Oslo', () => jobsOf(oslo.held).includes('must'));
  });

  it('goes to the workers that have the scene on their disks', async () => {
    const asset = await storeAsset(farm.context, 'card.json');
    const lottie = { engines: [{ id: 'lottie', version: '0.42.0', features: [] }] };
    const cold = await keeper({ id: 'cold', facts: { ...lottie, site: 'berlin' } });
    const cached = await keeper({
      id: 'cached',
      facts: { ...lottie, site: 'oslo', cachedAssets: [asset.slice(0, 16)] },
    });
    await Promise.all([pulls(cold.worker), pulls(cached.worker)]);
    await submit(
      farm.context,
      document('j', { engine: 'lottie', scene: `asset:${asset}/card.json`, frames: '1-2' }),
    );
    await until('both are where the scene is', () => cached.held.length === 2);
    expect(cold.held).toEqual([]);
  });

  it('keeps scarce hardware free for those who need it', async () => {
    const plain = await keeper({ id: 'plain' });
    const graphics = await keeper({
      id: 'graphics',
      facts: {
        gpus: [
          { name: 'L4', memoryBytes: 24 * GIB },
          { name: 'L4', memoryBytes: 24 * GIB },
        ],
      },
    });
    await Promise.all([pulls(plain.worker), pulls(graphics.worker)]);
    await submit(farm.context, document('any', { frames: '1-2' }));
    await until('it runs where no GPU is', () => plain.held.length === 2);
    await submit(farm.context, document('gpu', { frames: '1', requires: { gpus: 1 } }));
    await until('the GPU was free', () => jobsOf(graphics.held).includes('gpu'));
    expect(graphics.held.map(({ task }) => task.gpus)).toEqual([1]);
  });

  it('renders all of a step with one exact version, also when only another one is left', async () => {
    const engine = (version: string) => ({ engines: [{ id: 'null', version, features: [] }] });
    const newer = await keeper({ id: 'newer', facts: engine('4.2.0') });
    await pulls(newer.worker);
    await submit(farm.context, document('j', { frames: '1-6', requires: { engineVersion: '>=3' } }));
    await until('it has begun', () => newer.held.length === 2);
    const older = await keeper({ id: 'older', facts: engine('3.4.1') });
    await pulls(older.worker);
    newer.worker.goodbye();
    await sleep(1_500);
    expect(older.held).toEqual([]);
    const again = await farm.work({ id: 'again', facts: engine('4.2.0') });
    await jobWhen(farm.context, 'j', 'completed');
    expect(older.held).toEqual([]);
    expect(again.tasks.length).toBeGreaterThan(0);
    const steps = await farm.context.ledger.selectFrom('steps').select('engine_version').execute();
    expect(steps).toEqual([{ engine_version: '4.2.0' }]);
  });

  it('gives a task to the worker that has its scene loaded, alone, and to others when that one falls silent', async () => {
    const asset = await storeAsset(farm.context, 'card.json');
    const lottie = { engines: [{ id: 'lottie', version: '0.42.0', features: [] }] };
    const cold = await keeper({ id: 'cold', facts: lottie });
    const warm = await keeper({
      id: 'warm',
      slots: 2,
      facts: { ...lottie, warmAssets: [asset.slice(0, 16)] },
    });
    await Promise.all([pulls(cold.worker), pulls(warm.worker)]);
    await until('it has a home lane', () => lanesOf(warm.worker).some(({ kind }) => kind === 'home'));
    expect(lanesOf(cold.worker).map(({ kind }) => kind)).toEqual(['shared']);
    await sleep(300);
    await submit(
      farm.context,
      document('j', { engine: 'lottie', scene: `asset:${asset}/card.json`, frames: '1-2' }),
    );
    await until('both are at home', () => warm.held.length === 2);
    const tasks = await farm.context.ledger.selectFrom('tasks').select('reserved_worker').execute();
    expect(tasks).toEqual([{ reserved_worker: 'warm' }, { reserved_worker: 'warm' }]);
    expect(cold.held).toEqual([]);
    await warm.finish();
    await jobWhen(farm.context, 'j', 'completed');
    warm.worker.silence();
    await sleep(1_100);
    await submit(
      farm.context,
      document('k', { engine: 'lottie', scene: `asset:${asset}/card.json`, frames: '1-2' }),
    );
    await until('it waits for the silent worker', async () => (await queuedTasks('k')) === 2);
    expect(cold.held).toEqual([]);
    await until('others have it', () => cold.held.length === 2);
  });

  it('lets work of higher priority go before what waits in the lane already', async () => {
    const { worker, held, finish } = await keeper({ slots: 1 });
    await pulls(worker);
    await submit(farm.context, document('low', { frames: '1-20', priority: 10 }));
    await until('low work waits in the lane', async () => (await queuedTasks('low')) >= 2);
    await sleep(400);
    await submit(farm.context, document('high', { frames: '1-2', priority: 90 }));
    await until('it waits in the lane instead', async () => (await queuedTasks('high')) === 2);
    await finish();
    await until('it is next', () => jobsOf(held).includes('high'));
    expect(jobsOf(held)).toEqual(['high']);
  });

  const queuedTasks = async (jobId: string): Promise<number> =>
    (
      await farm.context.ledger
        .selectFrom('tasks')
        .select('key')
        .where('job_id', '=', jobId)
        .where('state', '=', 'queued')
        .execute()
    ).length;

  it('stops lower work at the next frame for a job that asks for it; its finished frames stay', async () => {
    const worker = await renderer({ id: 'w1', slots: 1 }, 150);
    await pulls(worker);
    await submit(farm.context, document('low', { frames: '1-20', chunk: 20, priority: 10 }));
    await jobWhen(farm.context, 'low', ({ frames }) => frames.done >= 2);
    await submit(farm.context, document('high', { frames: '1', priority: 90, preempt: true }));
    await jobWhen(farm.context, 'high', 'completed');
    const interrupted = await jobWhen(farm.context, 'low', () => true);
    expect(interrupted.frames.done).toBeGreaterThanOrEqual(2);
    expect(interrupted.frames.done).toBeLessThan(20);
    const done = await jobWhen(farm.context, 'low', 'completed');
    expect(done.frames).toMatchObject({ total: 20, done: 20 });
    const [first, , second] = worker.tasks.map((task) => task.frames.length);
    expect([first, second]).toEqual([20, 20 - interrupted.frames.done]);
    const failures = await farm.context.ledger.selectFrom('frames').select('failures').distinct().execute();
    expect(failures).toEqual([{ failures: 0 }]);
  });

  it('shares out the rest of a straggler among slots that idle', async () => {
    const slow = await renderer({ id: 'w1', slots: 1 }, 300);
    await pulls(slow);
    await submit(farm.context, document('j', { frames: '1-60', chunk: 'auto', targetSeconds: 60 }));
    await until('a long task runs', () => slow.tasks.some(({ frames }) => frames.length > 20));
    await renderer({ id: 'w2', slots: 1 }, 10);
    await until('the rest is asked for', () => slow.controls.some(({ type }) => type === 'release'));
    await jobWhen(farm.context, 'j', 'completed');
    const worked = await farm.context.ledger
      .selectFrom('frames')
      .select(['worker', 'failures', 'losses'])
      .distinct()
      .orderBy('worker')
      .execute();
    expect(worked).toEqual([
      { worker: 'w1', failures: 0, losses: 0 },
      { worker: 'w2', failures: 0, losses: 0 },
    ]);
  });

  /** A worker that reports frame by frame, and gives the rest back when it is told to. */
  const renderer = async (options: ScriptedWorkerOptions, frameMs: number): Promise<ScriptedWorker> => {
    const worker = await farm.work({
      ...options,
      handle: async (task) => {
        await task.started();
        for (const frame of task.task.frames) {
          const under = worker.held.get(task.attempt);
          if (under) under.frame = frame.number;
          await sleep(frameMs);
          await task.say({ type: 'frames', done: [task.result(frame, { seconds: frameMs / 1_000 })] });
          const released = worker.controls.some(
            (control) => control.type === 'release' && control.attempts.includes(task.attempt),
          );
          if (released) return task.giveBack([]);
        }
        await task.complete();
      },
    });
    return worker;
  };

  it('cuts a frame that failed as a task of its own', async () => {
    let failed = false;
    const worker = await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        if (failed || !task.frames.includes(3)) return task.complete();
        failed = true;
        await task.fail({ message: 'no', failedFrame: 3 });
      },
    });
    await pulls(worker);
    await submit(farm.context, document('j', { frames: '1-5', chunk: 5 }));
    await jobWhen(farm.context, 'j', 'completed');
    const cuts = worker.tasks.map((task) => task.frames.map((frame) => frame.number));
    expect(cuts[0]).toEqual([1, 2, 3, 4, 5]);
    expect(cuts.slice(1).filter((frames) => frames.includes(3))).toEqual([[3]]);
  });

  it('cuts frames that need more memory only for workers that have it', async () => {
    const small = await keeper({ id: 'small', facts: { memoryBytes: 4 * GIB } });
    await pulls(small.worker);
    await submit(
      farm.context,
      document('j', { frames: '1-3', notBefore: new Date(Date.now() + 1_500).toISOString() }),
    );
    await farm.context.ledger
      .updateTable('frames')
      .set({ memory_bytes: String(8 * GIB) })
      .where('number', '=', 2)
      .execute();
    await until('the others have begun', () => small.held.length === 2);
    await sleep(700);
    expect(small.held.flatMap((task) => task.frames)).toEqual([1, 3]);
    const large = await keeper({ id: 'large', facts: { memoryBytes: 64 * GIB } });
    await until('it has begun', () => large.held.length === 1);
    expect(large.held[0]?.frames).toEqual([2]);
  });

  it('never runs more than a limit allows, and goes by a new one at once', async () => {
    await farm.context.ledger
      .insertInto('limits')
      .values({ kind: 'project', name: 'film', running: 1, lowered_to: null })
      .execute();
    const rules = farm.coordinator.parts.resolve(TOKENS.rules);
    rules.changed();
    const { worker, held, finish } = await keeper({ slots: 4 });
    await pulls(worker);
    await submit(farm.context, document('j', { project: 'film', frames: '1-9' }));
    await until('one runs', () => held.length === 1);
    await sleep(700);
    expect(held.length).toBe(1);
    await farm.context.ledger.updateTable('limits').set({ running: 3 }).execute();
    rules.changed();
    await until('three run', () => held.length === 3);
    await finish();
    await until('three others run', () => held.length === 3);
    expect(worker.tasks.length).toBe(6);
  });
});

function lanesOf(worker: ScriptedWorker) {
  return worker.controls.filter((control) => control.type === 'lanes').at(-1)?.lanes ?? [];
}
