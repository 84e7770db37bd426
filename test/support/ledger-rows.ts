import { sql } from 'kysely';
import type { Ledger } from '../../src/shared/database/connect.ts';
import type { StepSpec } from '../../src/shared/database/schema.ts';
import { attemptId } from '../../src/shared/domain/ids.ts';
import type { FrameState, JobState } from '../../src/shared/domain/states.ts';
import { taskIdOf } from '../../src/shared/domain/task-ids.ts';

export interface StepSeed {
  name: string;
  engine?: string;
  /** State of each frame, from number `first` on. */
  frames: readonly FrameState[];
  first?: number;
  pattern?: string;
}

export interface JobSeed {
  id: string;
  name?: string;
  owner?: string;
  project?: string;
  state?: JobState;
  error?: string;
  steps?: readonly StepSeed[];
}

/** Rows of a job as a coordinator would have written them. @returns the steps' keys by name. */
export async function seedJob(ledger: Ledger, seed: JobSeed): Promise<Map<string, string>> {
  const { id, name = id, owner = 'ann', project = 'film', state = 'running', error = null } = seed;
  await ledger
    .insertInto('jobs')
    .values({
      id,
      name,
      owner,
      project,
      state,
      error,
      labels: JSON.stringify({ shot: '010' }),
      priority: 50,
      idempotency_key: null,
      document: JSON.stringify({ version: 1, name, engine: 'null', frames: '1-2' }),
      document_sha256: 'x',
      not_before: null,
    })
    .execute();
  const keys = new Map<string, string>();
  for (const [position, step] of (seed.steps ?? []).entries()) {
    keys.set(step.name, await seedStep(ledger, id, state, position, step));
  }
  return keys;
}

async function seedStep(
  ledger: Ledger,
  jobId: string,
  state: JobState,
  position: number,
  step: StepSeed,
): Promise<string> {
  const { name, engine = 'null', frames, first = 1, pattern = '{step}_{frame:04}.{ext}' } = step;
  const spec: StepSpec = {
    runs: [{ start: first, step: 1, count: frames.length }],
    scene: null,
    inputs: {},
    data: {},
    settings: {},
    output: { format: 'png', pattern },
    requires: {
      engineVersion: null,
      cores: null,
      memoryBytes: null,
      gpus: 0,
      tags: [],
      site: null,
      preferSite: null,
    },
    licences: [],
    previewFrames: 0,
    maxAttempts: 3,
    timeouts: {},
  };
  const counts = Object.fromEntries(
    [...new Set(frames)].map((frameState) => [
      frameState,
      frames.filter((each) => each === frameState).length,
    ]),
  );
  const { key } = await ledger
    .insertInto('steps')
    .values({
      job_id: jobId,
      name,
      position,
      engine,
      spec: JSON.stringify(spec),
      state,
      frame_total: frames.length,
      frames_expanded: frames.length,
      ...counts,
    })
    .returning('key')
    .executeTakeFirstOrThrow();
  await sql`
    INSERT INTO frames (step_key, number, position, state)
    SELECT ${key}, ${first}::int + place - 1, place - 1, state::frame_state
    FROM unnest(${[...frames]}::text[]) WITH ORDINALITY AS t (state, place)`.execute(ledger);
  return key;
}

/** An accepted result of a frame. */
export async function seedResult(
  ledger: Ledger,
  stepKey: string,
  number: number,
  result: { objectKey: string; bytes: number; sha256: string },
): Promise<void> {
  await ledger
    .updateTable('frames')
    .set({
      state: 'done',
      object_key: result.objectKey,
      bytes: String(result.bytes),
      sha256: Buffer.from(result.sha256, 'hex'),
      seconds: 1.5,
      worker: 'w1',
      attempt: 't1-1-1',
    })
    .where('step_key', '=', stepKey)
    .where('number', '=', number)
    .execute();
}

export interface AttemptSeed {
  jobId: string;
  stepKey: string;
  frames: readonly number[];
  worker?: string;
  /** Ended with it; still running without. */
  outcome?: 'completed' | 'failed' | 'lost';
  error?: string;
  logKey?: string;
}

/** A task with one attempt. @returns the attempt's id, `<task>-1-1`. */
export async function seedAttempt(ledger: Ledger, seed: AttemptSeed): Promise<string> {
  const { jobId, stepKey, frames, worker = 'w1', outcome = null, error = null, logKey = null } = seed;
  const { key } = await ledger
    .insertInto('tasks')
    .values({
      step_key: stepKey,
      job_id: jobId,
      engine: 'null',
      lane: 'lane-1',
      state: outcome === null ? 'running' : 'ended',
      outcome,
      feed: 1,
      frames: [...frames],
      generations: frames.map(() => 1),
      resume: false,
      worker,
      instance: 'i1',
      attempt: null,
    })
    .returning('key')
    .executeTakeFirstOrThrow();
  const id = attemptId(taskIdOf(key), 1, 1);
  await sql`
    INSERT INTO attempts (id, task_key, job_id, worker, instance, outcome, error, log_key, ended_at)
    VALUES (${id}, ${key}, ${jobId}, ${worker}, 'i1', ${outcome}::text, ${error}::text, ${logKey}::text,
            CASE WHEN ${outcome}::text IS NULL THEN NULL ELSE now() END)`.execute(ledger);
  return id;
}
