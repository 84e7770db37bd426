import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { manage } from '../support/manage.ts';
import type { HeldTask, ScriptedWorker } from '../support/scripted-worker.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';

const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-12', chunk: 1 };

describe('when frames fail', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const frame = (number: number) =>
    farm.context.ledger
      .selectFrom('frames')
      .selectAll()
      .where('number', '=', number)
      .executeTakeFirstOrThrow();
  const step = () => farm.context.ledger.selectFrom('steps').selectAll().executeTakeFirstOrThrow();
  const countsAreRight = async (): Promise<void> => {
    expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
  };

  it('gives a task that had not begun to others at once when the worker that had it is started again', async () => {
    const held: HeldTask[] = [];
    const worker = await farm.work({ slots: 1, handle: async (task) => void held.push(task) });
    await submit(farm.context, { ...document, frames: '1' });
    await until('the task is in hand', () => held.length === 1);
    worker.beat();
    worker.silence();
    await farm.work({ id: worker.id, slots: 1 });
    await jobWhen(farm.context, 'j', 'completed');
    expect(await frame(1)).toMatchObject({ losses: 0, failures: 0 });
  });

  describe('a frame that kills its worker', () => {
    /** Dies with the first task that has the frame in hand, and is started again at once. */
    const mortal = async (id: string, poison: number, deaths: string[]): Promise<void> => {
      const worker: ScriptedWorker = await farm.work({
        id,
        slots: 1,
        handle: async (task) => {
          await task.started();
          if (!task.frames.includes(poison)) return task.complete();
          const before = task.task.frames.filter(({ number }) => number < poison);
          if (before.length > 0)
            await task.say({ type: 'frames', done: before.map((each) => task.result(each)) });
          worker.held.get(task.attempt)!.frame = poison;
          worker.beat();
          // No process is started again before the farm has read that the one before it had begun.
          await until('the farm knows that it is at it', async () => {
            const { rows } =
              await sql`SELECT 1 FROM tasks WHERE attempt = ${task.attempt} AND state = 'running'`.execute(
                farm.context.ledger,
              );
            return rows.length === 1;
          });
          worker.silence();
          deaths.push(id);
          await mortal(id, poison, deaths);
        },
      });
    };

    it('is given up after three deaths; those behind it are not blamed, and the job goes on', async () => {
      const deaths: string[] = [];
      await Promise.all(['w1', 'w2'].map((id) => mortal(id, 3, deaths)));
      await submit(farm.context, { ...document, frames: '1-8', chunk: 4 });
      const job = await jobWhen(farm.context, 'j', 'failed', 40_000);
      expect(job.frames).toMatchObject({ done: 7, failed: 1 });
      expect(deaths).toHaveLength(3);
      const text = `Its worker died 3 times while it was rendered (${deaths.join(', ')}).`;
      expect(await frame(3)).toMatchObject({ state: 'failed', losses: 3, failures: 0, error: text });
      expect(job.error).toBe(`Frame 3 of x: ${text}`.replace('of x', `of ${(await step()).name}`));
      const others = await farm.context.ledger
        .selectFrom('frames')
        .select('number')
        .where('losses', '>', 0)
        .execute();
      expect(others).toEqual([{ number: 3 }]);
      await countsAreRight();
    });

    it('is told from those that died with it: after the second time they come back one after the other', async () => {
      let deaths = 0;
      const worker = (): Promise<ScriptedWorker> => farm.work({ slots: 3, handle: (task) => task.started() });
      let present = await worker();
      await submit(farm.context, { ...document, frames: '1-3' });
      for (; deaths < 2; deaths++) {
        await jobWhen(farm.context, 'j', (job) => job.frames.running === 3);
        present.silence();
        present = await worker();
        await until('all three are charged', async () => {
          const { rows } = await sql`SELECT 1 FROM frames WHERE losses = ${deaths + 1}`.execute(
            farm.context.ledger,
          );
          return rows.length === 3;
        });
      }
      const { rows } = await sql<{ seconds: number }>`
        SELECT round(EXTRACT(epoch FROM retry_at - now()))::int AS seconds FROM frames WHERE retry_at > now() ORDER BY retry_at`.execute(
        farm.context.ledger,
      );
      expect(rows).toHaveLength(2);
      expect(rows[1]!.seconds - rows[0]!.seconds).toBeGreaterThanOrEqual(9);
    });

    it('is not charged when the worker was only cut off and comes back', async () => {
      const held: HeldTask[] = [];
      const worker = await farm.work({ slots: 1, handle: async (task) => void held.push(task) });
      await submit(farm.context, { ...document, frames: '1-2', chunk: 2 });
      await until('the task is held', () => held.length === 1);
      await held[0]!.started();
      await jobWhen(farm.context, 'j', (job) => job.frames.running === 1);
      worker.silence();
      await until('the frame is charged', async () => (await frame(1)).losses === 1);
      expect(await frame(2)).toMatchObject({ losses: 0, state: 'ready' });
      worker.speak();
      await until('the charge is taken back', async () => (await frame(1)).losses === 0);
      expect(await farm.context.ledger.selectFrom('worker_failures').selectAll().execute()).toEqual([]);
    });

    it('is not charged when an operator stops the worker', async () => {
      const held: HeldTask[] = [];
      const worker = await farm.work({ slots: 1, handle: async (task) => void held.push(task) });
      await submit(farm.context, { ...document, frames: '1', chunk: 1 });
      await until('the task is held', () => held.length === 1);
      await held[0]!.started();
      await jobWhen(farm.context, 'j', (job) => job.frames.running === 1);
      worker.goodbye();
      await farm.work({ id: worker.id });
      await jobWhen(farm.context, 'j', 'completed');
      const attempts = await farm.context.ledger
        .selectFrom('attempts')
        .select(['outcome', 'frame'])
        .where('outcome', '=', 'lost')
        .execute();
      expect(attempts).toEqual([{ outcome: 'lost', frame: null }]);
    });

    it('is taken all the same when the worker brings it after it was given up', async () => {
      const held: HeldTask[] = [];
      const worker = await farm.work({ slots: 1, handle: async (task) => void held.push(task) });
      await submit(farm.context, { ...document, frames: '1' });
      await until('the task is held', () => held.length === 1);
      await held[0]!.started();
      await jobWhen(farm.context, 'j', (job) => job.frames.running === 1);
      await farm.context.ledger.updateTable('frames').set({ losses: 2 }).execute();
      worker.silence();
      await jobWhen(farm.context, 'j', 'failed');
      await held[0]!.complete();
      await jobWhen(farm.context, 'j', 'completed');
      expect(await frame(1)).toMatchObject({ state: 'done', losses: 2, error: null });
      await countsAreRight();
    });
  });

  it('blames the frame under way, not the chunk, when an engine crashes without a word', async () => {
    let crashed = false;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        await task.started();
        if (crashed) return task.complete();
        crashed = true;
        await task.say({
          type: 'frames',
          done: task.task.frames.slice(0, 2).map((each) => task.result(each)),
        });
        await task.fail({ message: 'Segmentation fault' });
      },
    });
    await submit(farm.context, { ...document, frames: '1-6', chunk: 6, maxAttempts: 2 });
    await jobWhen(farm.context, 'j', 'completed');
    const rows = await farm.context.ledger
      .selectFrom('frames')
      .select('failures')
      .orderBy('number')
      .execute();
    expect(rows.map((row) => row.failures)).toEqual([0, 0, 1, 0, 0, 0]);
  });

  describe('memory', () => {
    it('is doubled once; a frame that runs out of that, too, fails with both figures', async () => {
      await farm.work({
        slots: 4,
        facts: { memoryBytes: 16 * 2 ** 30 },
        handle: async (task) => {
          await task.started();
          if (!task.frames.includes(2)) return task.complete();
          await task.fail({ message: 'Calloc returns null', failedFrame: 2, class: 'out-of-memory' });
        },
      });
      await submit(farm.context, { ...document, frames: '1-3' });
      const job = await jobWhen(farm.context, 'j', 'failed');
      expect(job.frames).toMatchObject({ done: 2, failed: 1 });
      const { rows } = await sql<{ slots: number }>`
        SELECT slots FROM tasks WHERE frames = '{2}' ORDER BY key`.execute(farm.context.ledger);
      expect(rows.map((row) => row.slots)).toEqual([1, 2]);
      expect(await frame(2)).toMatchObject({
        failures: 1,
        error:
          'It ran out of memory with 4 GiB, and again with 8 GiB. Other frames of the step took up to 977 KiB. ' +
          'Ask for more by requires.memory, or make the scene smaller. The engine said: Calloc returns null',
      });
    });

    it('is not asked for where no worker has more', async () => {
      await farm.work({
        slots: 1,
        facts: { memoryBytes: 8 * 2 ** 30 },
        handle: async (task) => {
          await task.started();
          await task.fail({ message: 'no memory', failedFrame: 1, class: 'out-of-memory' });
        },
      });
      await submit(farm.context, { ...document, frames: '1' });
      await jobWhen(farm.context, 'j', 'failed');
      expect((await frame(1)).error).toEqual(
        expect.stringContaining('It ran out of memory with 8 GiB, and no worker with null has more.'),
      );
    });
  });

  describe('licences', () => {
    const seats = async (taken: number): Promise<void> => {
      let running = 0;
      let refused = 0;
      await farm.work({
        slots: 4,
        handle: async (task) => {
          await task.started();
          if (running >= taken && refused < 3) {
            refused++;
            return task.fail({ message: 'No licence left', class: 'licence', failedFrame: task.frames[0]! });
          }
          running++;
          await until('others were refused', () => refused > 0, 15_000);
          running--;
          await task.complete();
        },
      });
    };

    it('use up no attempt; their pool is lowered to what it gave', async () => {
      await farm.context.ledger
        .insertInto('limits')
        .values({ kind: 'licence', name: 'nuke', running: 10 })
        .execute();
      await seats(2);
      await submit(farm.context, { ...document, frames: '1-4', licences: ['nuke'], maxAttempts: 1 });
      await until('the pool is lowered', async () => (await pool())?.lowered_to !== null);
      const lowered = await pool();
      expect(lowered?.lowered_to).toBeLessThanOrEqual(3);
      expect(lowered).toMatchObject({ running: 10 });
      const rows = await farm.context.ledger.selectFrom('frames').select('failures').execute();
      expect(rows.every((row) => row.failures === 0)).toBe(true);
      expect((await step()).retry_at).toBeNull();
    });

    it('are not asked for again by what a lowered pool still seemed to allow', async () => {
      await manage(farm.context, { verb: 'limit', kind: 'licence', name: 'nuke', running: 4 });
      let begun = 0;
      await farm.work({
        slots: 4,
        handle: async (task) => {
          await task.started();
          if (++begun < 4) return; // goes on rendering
          await until('four were begun', () => begun === 4);
          return task.fail({ message: 'No licence left', class: 'licence', failedFrame: task.frames[0]! });
        },
      });
      await submit(farm.context, { ...document, frames: '1-40', chunk: 1, licences: ['nuke'] });
      await until('the pool is lowered', async () => (await pool())?.lowered_to !== null);
      expect(await pool()).toMatchObject({ lowered_to: 3 });
      // Its slot is free, the other frames are ready, and only the limit keeps them back.
      await sleep(1_000);
      expect(begun).toBe(4);
    });

    it('make the step wait where there is no limit to lower', async () => {
      await seats(0);
      await submit(farm.context, { ...document, frames: '1-2', maxAttempts: 1 });
      await until('the step waits', async () => (await step()).retry_at !== null);
      const job = await jobWhen(
        farm.context,
        'j',
        (found) => found.frames.running + found.frames.queued === 0,
      );
      expect(job.frames.failed).toBe(0);
    });

    const pool = () =>
      farm.context.ledger.selectFrom('limits').selectAll().where('name', '=', 'nuke').executeTakeFirst();
  });
});
