import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cutTasks, lockJobs } from '../../src/coordinator/ledger/cut-tasks.ts';
import { createCoordinatorFarm, type CoordinatorFarm } from '../support/coordinator.ts';
import { explainedLedger, type ExplainedLedger } from '../support/explained-ledger.ts';
import { submit, until } from '../support/jobs.ts';

describe('cutting tasks', () => {
  let farm: CoordinatorFarm;
  let explained: ExplainedLedger;
  beforeAll(async () => {
    farm = await createCoordinatorFarm();
    explained = await explainedLedger(farm.context);
  });
  afterAll(async () => {
    await explained.dispose();
    await farm.dispose();
  });

  it('takes hundreds of them of one step in one statement that reads each frame once and writes nothing to disk', async () => {
    const [TASKS, EACH] = [400, 40];
    const frames = TASKS * EACH;
    // Without a worker nothing else is cut of it.
    await submit(farm.context, { version: 1, id: 'j', name: 'x', engine: 'null', frames: `1-${frames}` });
    const step = () =>
      farm.context.ledger
        .selectFrom('steps')
        .select(['key', 'ready', 'queued', 'frames_expanded'])
        .where('job_id', '=', 'j')
        .executeTakeFirstOrThrow();
    await until('all rows are written', async () => (await step()).frames_expanded === frames);
    const { key } = await step();
    const cuts = Array.from({ length: TASKS }, () => ({
      stepKey: key,
      group: 'group',
      variantMemoryBytes: null,
      lane: 'lane',
      engineVersion: '1',
      slots: 1,
      gpus: 0,
      worker: null,
      frames: EACH,
    }));
    const tasks = await explained.ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, ['j']);
      explained.take();
      return cutTasks(trx, cuts);
    });
    expect(tasks.map((task) => task.frames)).toEqual(
      cuts.map((_, task) => Array.from({ length: EACH }, (__, index) => task * EACH + index + 1)),
    );
    expect(await step()).toMatchObject({ ready: 0, queued: frames });
    const statements = explained.take().filter(({ text }) => /\bframes\b/.test(text));
    expect(statements).toHaveLength(1);
    for (const read of statements[0]!.reads('frames')) expect(read).toMatch(/^(Index|Tid)/);
    // Once to find it and once to change it.
    expect(statements[0]!.rowsRead('frames')).toBeLessThanOrEqual(2 * frames);
    expect(statements[0]!.blocksOnDisk).toBe(0);
  });
});
