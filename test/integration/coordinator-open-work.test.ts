import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OpenWork } from '../../src/coordinator/dispatch/open-work.ts';
import { StepInfos } from '../../src/coordinator/ledger/step-info.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';

const document = (id: string, more: Record<string, unknown> = {}) => ({
  version: 1,
  id,
  name: id,
  engine: 'null',
  frames: '1-10',
  chunk: 1,
  ...more,
});

describe('what the leader knows of open jobs', () => {
  let farm: CoordinatorFarm;
  let work: OpenWork;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
    work = new OpenWork(farm.context.ledger, new StepInfos(farm.context.ledger));
  });
  afterEach(() => farm.dispose());

  const stepsNow = async () => {
    await work.refresh();
    return work.steps.views().map(({ jobId, ready, previewReady, needs, variantMemoryBytes }) => ({
      jobId,
      ready,
      previewReady,
      memory: needs.memoryBytes,
      variantMemoryBytes,
    }));
  };

  it('is read whole at first, and then only of jobs that changed', async () => {
    await submit(farm.context, document('a'));
    await submit(farm.context, document('b', { preview: 'first-middle-last' }));
    const plain = { ready: 10, previewReady: 0, memory: null, variantMemoryBytes: null };
    expect(await stepsNow()).toEqual([
      { jobId: 'a', ...plain },
      { jobId: 'b', ...plain, previewReady: 3 },
    ]);
    await sql`UPDATE steps SET ready = ready - 4, done = done + 4`.execute(farm.context.ledger);
    work.changed('a', false);
    expect((await stepsNow()).map(({ ready }) => ready)).toEqual([6, 10]);
  });

  it('counts frames apart that need more memory, and leaves out those in back-off until their time', async () => {
    await submit(farm.context, document('a', { requires: { memory: '2 GiB' } }));
    await sql`UPDATE frames SET memory_bytes = 5000000000 WHERE number IN (2, 3)`.execute(
      farm.context.ledger,
    );
    await sql`UPDATE frames SET retry_at = now() + interval '1 second' WHERE number IN (3, 4, 5)`.execute(
      farm.context.ledger,
    );
    const common = { jobId: 'a', previewReady: 0, memory: 2 * 2 ** 30, variantMemoryBytes: null };
    const bigger = { jobId: 'a', previewReady: 0, memory: 5e9, variantMemoryBytes: 5e9 };
    expect(await stepsNow()).toEqual([
      { ...common, ready: 6 },
      { ...bigger, ready: 1 },
    ]);
    // Nobody says that their time has come.
    await until(
      'they may be cut',
      async () => (await stepsNow()).reduce((sum, { ready }) => sum + ready, 0) === 10,
    );
  });

  it('leaves out what is paused and what may not begin yet', async () => {
    await submit(farm.context, document('a'));
    await submit(farm.context, document('b', { notBefore: new Date(Date.now() + 1_500).toISOString() }));
    await sql`UPDATE jobs SET paused = true WHERE id = 'a'`.execute(farm.context.ledger);
    expect(await stepsNow()).toEqual([]);
    await until('its time has come', async () => (await stepsNow()).some(({ jobId }) => jobId === 'b'));
  });

  it('finds what it was not told of', async () => {
    const worker = await farm.work({ id: 'w1' });
    await until('it pulls', () => worker.controls.length > 0);
    await submit(farm.context, document('first'));
    await jobWhen(farm.context, 'first', 'completed');
    // Written past every coordinator: nobody announces it.
    await sql`UPDATE frames SET state = 'ready' WHERE number <= 4`.execute(farm.context.ledger);
    await sql`UPDATE steps SET state = 'running', ready = 4, done = done - 4`.execute(farm.context.ledger);
    await sql`UPDATE jobs SET state = 'running', finished_at = NULL`.execute(farm.context.ledger);
    await jobWhen(farm.context, 'first', ({ frames }) => frames.done === 10, 30_000);
    expect(worker.tasks.length).toBe(14);
  });

  it('is kept up with what another coordinator takes and accepts', async () => {
    const other = await startTestCoordinator(farm.context);
    try {
      const worker = await farm.work({ id: 'w1', slots: 4 });
      await until('it pulls', () => worker.controls.length > 0);
      // Both read submissions and reports; only one of them feeds.
      const ids = Array.from({ length: 12 }, (_, index) => `j${index}`);
      await Promise.all(ids.map((id) => submit(farm.context, document(id))));
      for (const id of ids) await jobWhen(farm.context, id, 'completed');
      const { rows } = await sql<{ tasks: number; frames: number }>`
        SELECT count(*)::int AS tasks, count(DISTINCT (step_key, frames))::int AS frames FROM tasks`.execute(
        farm.context.ledger,
      );
      expect(rows).toEqual([{ tasks: 120, frames: 120 }]);
    } finally {
      await other.stop();
    }
  });
});
