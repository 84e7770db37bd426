import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobControl } from '../../src/shared/contracts/messages.ts';
import type { FrameState } from '../../src/shared/domain/states.ts';
import { control as send, type ControlStatus } from '../support/control.ts';
import { createCoordinatorFarm, startTestCoordinator, type CoordinatorFarm } from '../support/coordinator.ts';
import { jobWhen, submit, until } from '../support/jobs.ts';
import { stepsWithWrongCounts } from '../support/wrong-counts.ts';

const MANY = 30_000;
/** The frame sweeper's advisory locks: whoever has a step's keeps it from being swept. */
const SWEEP_LOCK = 5;

describe('retry and skip of many frames', () => {
  let farm: CoordinatorFarm;
  beforeEach(async () => {
    farm = await createCoordinatorFarm();
  });
  afterEach(() => farm.dispose());

  const control = (message: Omit<JobControl, 'requestId'>): Promise<ControlStatus> =>
    send(farm.context, 'j', message);
  const render = { name: 'render', engine: 'null', frames: `1-${MANY}` };
  const job = async (more: object[] = []) => {
    await submit(farm.context, { version: 1, id: 'j', name: 'x', steps: [render, ...more] });
    await until('all frames are written', async () => {
      const { rows } = await sql`SELECT 1 FROM steps WHERE frames_expanded < frame_total`.execute(
        farm.context.ledger,
      );
      return rows.length === 0;
    });
  };
  /** Brings all frames of a step, and the job, where hours of rendering would have brought them. */
  const bring = async (
    step: string,
    state: FrameState,
    jobState = state === 'done' ? 'completed' : 'failed',
  ) => {
    const { ledger } = farm.context;
    await sql`WITH step AS (
        UPDATE steps SET ready = frame_total * (${state} = 'ready')::int, waiting = 0, failed = frame_total * (${state} = 'failed')::int,
          done = frame_total * (${state} = 'done')::int, skipped = frame_total * (${state} = 'skipped')::int, state = ${jobState}::job_state, entry_state = 'ready'
        WHERE job_id = 'j' AND name = ${step} RETURNING key
      ), job AS (UPDATE jobs SET state = ${jobState}::job_state WHERE id = 'j')
      UPDATE frames SET state = ${state}::frame_state, failures = 3, seconds = CASE WHEN ${state} = 'done' THEN 0 END
      FROM step WHERE step_key = step.key`.execute(ledger);
  };
  const frames = async (step = 'render') => {
    const { rows } = await sql<{ state: FrameState; generation: number; frames: number }>`
      SELECT f.state, f.generation, count(*)::int AS frames FROM frames f JOIN steps s ON s.key = f.step_key
      WHERE s.job_id = 'j' AND s.name = ${step} GROUP BY f.state, f.generation ORDER BY f.state, f.generation`.execute(
      farm.context.ledger,
    );
    return rows;
  };
  /** Until it is over, by whoever does it; the counts are held against the frames all the while. */
  const swept = () =>
    until('nothing is left to be done to frames', async () => {
      expect(await stepsWithWrongCounts(farm.context.ledger)).toEqual([]);
      const { rows } = await sql`SELECT 1 FROM steps WHERE sweep IS NOT NULL`.execute(farm.context.ledger);
      return rows.length === 0;
    });
  /** Nothing is swept while `work` runs. */
  const withoutSweeps = (work: () => Promise<void>) =>
    farm.context.ledger.connection().execute(async (connection) => {
      const lock = (name: string) =>
        sql`SELECT ${sql.raw(name)}(${SWEEP_LOCK}, hashint8(key)) FROM steps`.execute(connection);
      await lock('pg_advisory_lock');
      try {
        await work();
      } finally {
        await lock('pg_advisory_unlock');
      }
    });

  it('renders what failed again: the job goes on at once, and another coordinator ends what one began', async () => {
    await job([{ name: 'after', engine: 'null', frames: `1-${MANY}`, dependsOn: ['render'] }]);
    await bring('after', 'skipped');
    await bring('render', 'failed');
    await withoutSweeps(async () => {
      expect(await control({ verb: 'retry', dryRun: true })).toMatchObject({ figures: { again: 2 * MANY } });
      expect(await control({ verb: 'retry' })).toMatchObject({ ok: true, figures: { again: 2 * MANY } });
      expect(await jobWhen(farm.context, 'j', 'running', 1)).toMatchObject({ error: null });
      await farm.coordinator.stop();
    });
    expect(await frames()).toEqual([{ state: 'failed', generation: 1, frames: MANY }]);
    const other = await startTestCoordinator(farm.context);
    try {
      await swept();
    } finally {
      await other.stop();
    }
    expect(await frames()).toEqual([{ state: 'ready', generation: 2, frames: MANY }]);
    expect(await frames('after')).toEqual([{ state: 'waiting', generation: 2, frames: MANY }]);
    const { rows } = await sql`SELECT DISTINCT failures, error FROM frames`.execute(farm.context.ledger);
    expect(rows).toEqual([{ failures: 0, error: null }]);
  });

  it('makes again what is made from them, and lets wait what waits for them', async () => {
    await job([
      { name: 'after', engine: 'null', frames: `1-${MANY}`, dependsOn: [{ step: 'render', kind: 'frame' }] },
      { name: 'video', engine: 'ffmpeg', inputs: { frames: { step: 'render' } } },
    ]);
    await bring('render', 'done');
    await bring('video', 'done');
    await bring('after', 'ready', 'running');
    await control({ verb: 'retry', step: 'render', frames: `1-${MANY - 1}` });
    await swept();
    expect(await frames()).toEqual([
      { state: 'ready', generation: 2, frames: MANY - 1 },
      { state: 'done', generation: 1, frames: 1 },
    ]);
    expect(await frames('video')).toEqual([{ state: 'waiting', generation: 2, frames: 1 }]);
    expect(await frames('after')).toEqual([
      { state: 'waiting', generation: 1, frames: MANY - 1 },
      { state: 'ready', generation: 1, frames: 1 },
    ]);
  });

  it('has one answer to further wishes while frames are still being moved', async () => {
    await job();
    await bring('render', 'failed');
    await withoutSweeps(async () => {
      await control({ verb: 'retry' });
      expect(await control({ verb: 'retry' })).toMatchObject({
        ok: true,
        changed: false,
        message: 'That is being done to these frames already.',
      });
      expect(await control({ verb: 'retry', frames: '1-20000' })).toMatchObject({
        ok: false,
        message: 'Many frames of step render are still being asked for again. Ask again in some seconds.',
      });
      expect(await control({ verb: 'skip', frames: '7' })).toMatchObject({ ok: false });
      // A few more of what is asked for anyway.
      expect(await control({ verb: 'retry', frames: '5' })).toMatchObject({
        ok: true,
        figures: { again: 1 },
      });
      // Of the same frames the other verb undoes the first, and the first the other.
      expect(await control({ verb: 'skip' })).toMatchObject({ ok: true, figures: { failed: MANY - 1 } });
      expect(await control({ verb: 'retry' })).toMatchObject({ ok: true, figures: { again: MANY - 1 } });
      expect(await control({ verb: 'skip' })).toMatchObject({ ok: true });
    });
    await swept();
    expect(await frames()).toEqual([
      { state: 'ready', generation: 2, frames: 1 },
      { state: 'skipped', generation: 1, frames: MANY - 1 },
    ]);
    expect(await control({ verb: 'retry', frames: '1-29000' })).toMatchObject({ figures: { again: 28_999 } });
    await swept();
    expect((await jobWhen(farm.context, 'j', 'running')).frames).toMatchObject({
      ready: 29_000,
      skipped: 1_000,
    });
  });

  it('ends with a cancel: what had not been asked for again stays as it was', async () => {
    await job();
    await bring('render', 'failed');
    await withoutSweeps(async () => {
      await control({ verb: 'retry' });
      await control({ verb: 'cancel' });
      // None had come back yet.
      expect(await jobWhen(farm.context, 'j', 'failed', 1)).toMatchObject({ frames: { failed: MANY } });
      await control({ verb: 'retry' });
      await control({ verb: 'retry', frames: '1-3' });
      await control({ verb: 'cancel' });
    });
    await jobWhen(farm.context, 'j', 'cancelled');
    await swept();
    expect(await frames()).toEqual([
      { state: 'failed', generation: 1, frames: MANY - 3 },
      { state: 'cancelled', generation: 2, frames: 3 },
    ]);
    await control({ verb: 'resume' });
    await control({ verb: 'retry' });
    await swept();
    expect((await jobWhen(farm.context, 'j', 'running')).frames).toMatchObject({ ready: MANY });
  });

  it('gives out nothing of a step before the last frame is skipped that was to be', async () => {
    await job();
    await withoutSweeps(async () => {
      expect(await control({ verb: 'skip', frames: `2-${MANY}`, by: 'ann' })).toMatchObject({
        figures: { notBegun: MANY - 1 },
      });
      await farm.work();
      await submit(farm.context, { version: 1, id: 'other', name: 'x', engine: 'null', frames: '1-3' });
      await jobWhen(farm.context, 'other', 'completed');
      expect((await frames()).map((row) => row.state)).toEqual(['ready']);
    });
    expect((await jobWhen(farm.context, 'j', 'completed')).frames).toMatchObject({
      done: 1,
      skipped: MANY - 1,
    });
  });
});
