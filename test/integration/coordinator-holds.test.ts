import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import type { HeldTask, ScriptedWorker, ScriptedWorkerOptions } from '../support/scripted-worker.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';

const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-12', chunk: 1 };
const PARSE_ERROR = "File 'shot.pov' line 12: Parse Error: No matching }, expected #end";

describe('what only fails', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const step = () => farm.context.ledger.selectFrom('steps').selectAll().executeTakeFirstOrThrow();
  const pauseOf = async (id: string) =>
    (await farm.context.ledger.selectFrom('workers').select('pause').where('id', '=', id).executeTakeFirst())
      ?.pause;
  const countsAreRight = async (): Promise<void> => {
    expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
  };

  describe('a step of which every frame fails', () => {
    const failing = (
      id: string,
      facts: ScriptedWorkerOptions['facts'] = {},
      message = (task: HeldTask) => `${PARSE_ERROR} (frame ${task.frames[0]})`,
    ) =>
      farm.work({
        id,
        slots: 1,
        facts,
        handle: async (task) => {
          await task.started();
          await sleep(20);
          await task.fail({ message: message(task), failedFrame: task.frames[0]!, class: 'scene' });
        },
      });

    it('is held after five frames on two workers, with the log line; resumed, it is not held again', async () => {
      await Promise.all([failing('w1'), failing('w2')]);
      await submit(farm.context, { ...document, frames: '1-100', maxAttempts: 1 });
      const job = await jobWhen(farm.context, 'j', 'held');
      expect(job.error).toEqual(
        expect.stringMatching(/^Held: \d+ frames failed alike on 2 workers and none succeeded: File 'shot/),
      );
      expect((await step()).hold_reason).toBe(job.error);
      expect(job.frames.failed).toBeGreaterThanOrEqual(5);
      expect(job.frames.failed).toBeLessThan(40);
      expect(job.frames.failed + job.frames.held).toBe(100);
      await countsAreRight();
      await control('resume');
      const after = await jobWhen(farm.context, 'j', 'failed');
      expect(after.frames).toMatchObject({ failed: 100, held: 0 });
      expect(await step()).toMatchObject({ hold_reason: null, hold_allowed: false });
    });

    it('is held by the word of the only worker, and retried when it is mended', async () => {
      let mended = false;
      await farm.work({
        slots: 1,
        handle: async (task) => {
          await task.started();
          if (mended) return task.complete();
          await task.fail({ message: PARSE_ERROR, failedFrame: task.task.frames[0]!.number, class: 'scene' });
        },
      });
      await submit(farm.context, document);
      const job = await jobWhen(farm.context, 'j', 'held');
      expect(job.error).toEqual(expect.stringContaining('on w1, the only worker that can render it'));
      mended = true;
      await control('resume');
      await jobWhen(farm.context, 'j', 'completed');
      await countsAreRight();
    });

    it('is held by the word of the only worker that is large enough, whoever else is there', async () => {
      await failing('large', { cores: 8 });
      await farm.work({ id: 'small', slots: 1, facts: { cores: 2 } });
      await submit(farm.context, { ...document, requires: { cores: 8 }, maxAttempts: 1 });
      const job = await jobWhen(farm.context, 'j', 'held');
      expect(job.error).toEqual(expect.stringContaining('on large, the only worker that can render it'));
    });

    it('is not held when frames fail for different reasons', async () => {
      const words = ['no camera', 'no light', 'no sky', 'no floor', 'no actor', 'no sound'];
      await failing('w1', {}, (task) => words[task.frames[0]! % words.length]!);
      await submit(farm.context, { ...document, frames: '1-6', maxAttempts: 1 });
      await jobWhen(farm.context, 'j', 'failed');
      expect((await step()).hold_reason).toBeNull();
    });

    it('is not held once a frame has succeeded', async () => {
      await farm.work({
        slots: 1,
        handle: async (task) => {
          await task.started();
          if (task.frames.includes(1)) return task.complete();
          await task.fail({ message: PARSE_ERROR, failedFrame: task.frames[0]!, class: 'scene' });
        },
      });
      await submit(farm.context, { ...document, maxAttempts: 1 });
      const job = await jobWhen(farm.context, 'j', 'failed');
      expect(job.frames).toMatchObject({ done: 1, failed: 11 });
    });

    it('of very many frames is held in slices, and comes back in slices', async () => {
      await Promise.all([failing('w1'), failing('w2')]);
      await submit(farm.context, { ...document, frames: '1-60000', maxAttempts: 1 });
      const job = await jobWhen(farm.context, 'j', 'held');
      await until('every frame is held', async () => (await step()).sweep === null);
      const { frames } = await jobWhen(farm.context, 'j', 'held');
      expect(frames.failed + frames.held).toBe(60_000);
      expect(job.error).toEqual(expect.stringContaining('on 2 workers'));
      await countsAreRight();
      await control('resume');
      await until('frames come back', async () => (await step()).sweep === null && (await step()).held === 0);
      await countsAreRight();
    });

    it('goes on by itself when a frame that was under way succeeds', async () => {
      const held: HeldTask[] = [];
      const slow = await farm.work({
        id: 'slow',
        slots: 1,
        handle: async (task) => {
          await task.started();
          if (held.length === 0) held.push(task);
          else await task.complete();
        },
      });
      await submit(farm.context, { ...document, frames: '1-60', maxAttempts: 1 });
      await until('one frame is under way', () => held.length === 1);
      const workers = [await failing('w1'), await failing('w2')];
      await until('the step is held', async () => (await step()).hold_reason !== null);
      await jobWhen(farm.context, 'j', ({ frames }) => frames.held > 0 && frames.running === 1);
      await until('the slow worker is told to give the rest back', () =>
        slow.controls.some(({ type }) => type === 'release'),
      );
      for (const worker of workers) worker.goodbye();
      await held[0]!.complete();
      const after = await jobWhen(farm.context, 'j', 'failed');
      expect(after.frames).toMatchObject({ held: 0 });
      expect(after.frames.done + after.frames.failed).toBe(60);
      await countsAreRight();
    });

    async function control(verb: 'resume'): Promise<void> {
      const connection = await farm.context.connectAs('operator');
      connection.publish(
        'jobs.control.j',
        JSON.stringify({ version: 1, verb, requestId: `r-${verb}`, by: 'ann' }),
      );
      await connection.flush();
      await connection.close();
    }
  });

  describe('a worker that fails with what others can render', () => {
    it('is quarantined, too, when it dies again and again', async () => {
      const dies = async (): Promise<void> => {
        const worker: ScriptedWorker = await farm.work({
          id: 'dies',
          slots: 1,
          handle: async (task) => {
            await task.started();
            worker.silence();
            if ((await pauseOf('dies')) === null) await dies();
          },
        });
      };
      await dies();
      await submit(farm.context, { ...document, frames: '1-4' });
      await until('it has died with a frame', async () => {
        const { rows } = await sql`SELECT 1 FROM worker_failures`.execute(farm.context.ledger);
        return rows.length > 0;
      });
      await farm.work({
        id: 'good',
        slots: 1,
        handle: async (task) => {
          await task.started();
          await sleep(300);
          await task.complete();
        },
      });
      await submit(farm.context, { ...document, id: 'k', frames: '1-40' });
      await until('it is paused', async () => (await pauseOf('dies')) !== null, 30_000);
      expect((await pauseOf('dies'))?.reason).toEqual(
        expect.stringContaining('The worker was started again.'),
      );
      expect(await pauseOf('good')).toBeNull();
    });

    it('is quarantined with the reason; a worker that also renders is not', async () => {
      const bad = await farm.work({
        id: 'bad',
        slots: 1,
        handle: async (task) => {
          await task.started();
          await task.fail({ message: `GPU fell off the bus`, failedFrame: task.frames[0]! });
        },
      });
      let turn = 0;
      await farm.work({
        id: 'moody',
        slots: 1,
        handle: async (task) => {
          await task.started();
          if (turn++ % 2 === 0)
            await task.fail({ message: 'Segmentation fault', failedFrame: task.frames[0]! });
          else await task.complete();
        },
      });
      await farm.work({ id: 'good', slots: 1 });
      await submit(farm.context, { ...document, frames: '1-100', maxAttempts: 20 });
      await until(
        'it is paused',
        async () => (await pauseOf('bad')) !== null && (await pauseOf('bad')) !== undefined,
        40_000,
      );
      const pause = await pauseOf('bad');
      expect(pause).toMatchObject({ by: 'quarantine', until: null });
      expect(pause?.reason).toEqual(
        expect.stringMatching(
          /^It failed with \d+ frames that other workers rendered, .*GPU fell off the bus/,
        ),
      );
      const events = await farm.context.ledger.selectFrom('farm_events').selectAll().execute();
      expect(events).toMatchObject([{ verb: 'worker-quarantine', subject: 'bad', message: pause?.reason }]);
      await jobWhen(farm.context, 'j', (job) => job.frames.done >= 80, 40_000);
      expect(bad.tasks.length).toBeLessThan(100);
      expect(await pauseOf('moody')).toBeNull();
      expect(await pauseOf('good')).toBeNull();
    });

    it('is quarantined when its machine fails again and again, unless nobody else could do its work', async () => {
      const broken = (id: string) =>
        farm.work({
          id,
          slots: 1,
          handle: async (task) => {
            await task.started();
            await task.fail({ message: "The worker's disk is full.", class: 'host' });
          },
        });
      const w1 = await broken('w1');
      await submit(farm.context, { ...document, frames: '1-3' });
      await until('it failed three times', async () => {
        const { rows } = await sql<{
          n: number;
        }>`SELECT sum(host_failures)::int AS n FROM worker_failures`.execute(farm.context.ledger);
        return (rows[0]?.n ?? 0) >= 3;
      });
      expect(await pauseOf('w1')).toBeNull();
      // It is told without being asked: nobody waits for its next heartbeat.
      w1.silence();
      await farm.work({ id: 'w2' });
      await until('it is paused', async () => (await pauseOf('w1')) !== null);
      const reason = (await pauseOf('w1'))?.reason;
      await until('it is told', () =>
        w1.controls.some((each) => each.type === 'orders' && each.orders.pause?.reason === reason),
      );
      expect((await pauseOf('w1'))?.reason).toEqual(
        expect.stringMatching(/^Its machine failed \d+ times in a row: The worker's disk/),
      );
      await jobWhen(farm.context, 'j', 'completed');
    });
  });
});
