import { jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskStatusSubject } from '../../src/shared/contracts/subjects.ts';
import { attemptId } from '../../src/shared/domain/ids.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

/** What nobody honest sends. None of it may keep what comes after it waiting. */
describe('a coordinator among hostile messages', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const deadLetters = async (): Promise<Record<string, number> | undefined> => {
    const manager = await jetstreamManager(await farm.context.connectAs('operator'));
    return (await manager.streams.info('DEAD', { subjects_filter: 'dead.>' })).state.subjects;
  };

  it('goes on after text that Postgres cannot store', async () => {
    const document = { version: 1, id: 'j', name: 'x', engine: 'null', frames: '1' };
    expect(await submit(farm.context, document)).toMatchObject({ id: 'j' });
    expect(await submit(farm.context, { ...document, id: 'k', note: 'a\0b' })).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'note' }],
    });
    const submitter = await farm.context.connectAs('submitter');
    submitter.publish('jobs', JSON.stringify({ ...document, id: 'l', labels: { a: '\ud800' } }));
    submitter.publish('jobs.control.j', JSON.stringify({ requestId: 'a', verb: 'pause', by: 'a\0b' }));
    submitter.publish('jobs.control.j', JSON.stringify({ requestId: 'b', verb: 'cancel' }));
    await jobWhen(farm.context, 'j', 'cancelled');
    await until('both are buried', async () => Object.keys((await deadLetters()) ?? {}).length === 2);
    expect(await deadLetters()).toEqual({ 'dead.control.invalid': 1, 'dead.jobs.invalid': 1 });
  });

  it('buries the one report of a batch that Postgres refuses, and applies the others', async () => {
    // Stands for a value that passes every check here and that the database cannot hold all the same.
    await sql`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'this cannot be stored' USING ERRCODE = '22P05'; END $$`.execute(farm.context.ledger);
    await sql`CREATE TRIGGER refuse BEFORE INSERT ON attempts FOR EACH ROW
      WHEN (NEW.instance = 'hostile') EXECUTE FUNCTION refuse()`.execute(farm.context.ledger);
    const worker = await farm.context.connectAs('worker');
    await farm.work({
      handle: async (task) => {
        await task.complete();
        const { taskId, jobId, feed, step, frames } = task.task;
        const attempt = attemptId(taskId, feed, 9);
        const forged = { version: 1, type: 'started', attempt, feed, delivery: 9, step, frames };
        worker.publish(
          taskStatusSubject({ workerId: 'other', jobId, taskId }),
          JSON.stringify({ ...forged, instance: 'hostile' }),
        );
      },
    });
    await submit(farm.context, {
      version: 1,
      id: 'j',
      name: 'x',
      engine: 'null',
      frames: '1-6',
      chunk: 2,
    });
    const job = await jobWhen(farm.context, 'j', 'completed');
    expect(job.frames.done).toBe(6);
    await until('all are buried', async () => (await deadLetters())?.['dead.status.invalid'] === 3);
  });
});
