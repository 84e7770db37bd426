import { jetstreamManager } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1-20', chunk: 5 };

describe('tasks that no worker brings to an end', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const manager = async () => jetstreamManager(await farm.context.connectAs('operator'));

  it('are given up when they are delivered again and again, with the reason; the rest goes on', async () => {
    await farm.work({
      handle: async (task) => {
        if (!task.frames.includes(3)) return task.complete();
        task.message.nak();
        task.leave();
      },
    });
    await submit(farm.context, { ...document, frames: '1-5', chunk: 1 });
    const job = await jobWhen(farm.context, 'j', 'failed');
    expect(job.frames).toMatchObject({ done: 4, failed: 1 });
    expect(job.error).toContain('delivered 6 times');
    const streams = (await manager()).streams;
    await until('the message is deleted', async () => (await streams.info('TASKS')).state.messages === 0);
    const dead = await streams.info('DEAD', { subjects_filter: 'dead.>' });
    expect(dead.state.subjects).toEqual({ 'dead.tasks.max-deliveries': 1 });
  });

  it.each([
    ['had begun', true],
    ['had not begun', false],
  ])('are cut anew until the frame is found that does it, which %s', async (_which, begins) => {
    let delivered = 0;
    await farm.work({
      slots: 1,
      handle: async (task) => {
        if (!task.frames.includes(3)) return task.complete();
        delivered++;
        if (begins) {
          await task.started();
          const { frames } = task.task;
          const before = frames.slice(
            0,
            frames.findIndex(({ number }) => number === 3),
          );
          for (const frame of before) await task.say({ type: 'frames', done: [task.result(frame)] });
          await until('the ledger knows where it stands', async () => {
            const rows = await farm.context.ledger.selectFrom('frames').select(['number', 'state']).execute();
            return rows.some(({ number, state }) => number === 3 && state === 'running');
          });
        }
        task.message.nak();
        task.leave();
      },
    });
    await submit(farm.context, { ...document, frames: '1-5', chunk: 5, maxAttempts: 2 });
    const job = await jobWhen(farm.context, 'j', 'failed', 40_000);
    expect(job.frames).toMatchObject({ done: 4, failed: 1 });
    const { number, failures } = await farm.context.ledger
      .selectFrom('frames')
      .select(['number', 'failures'])
      .where('state', '=', 'failed')
      .executeTakeFirstOrThrow();
    expect({ number, failures }).toEqual({ number: 3, failures: begins ? 2 : 1 });
    // With the others, and then alone.
    expect(delivered).toBe(12);
  });
});
