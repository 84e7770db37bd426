import { sql } from 'kysely';
import type { JobState } from '../../src/shared/domain/states.ts';
import type { TestContext } from './farm-context.ts';
import { seedAttempt, seedJob, seedResult } from './ledger-rows.ts';
import { putResult, sha256Of } from './retention.ts';

/**
 * A job as it is after it was rendered: frames with objects of 100 bytes, as the ledger says, one task and one attempt.
 * Jobs that have not ended have frames without results.
 */
export async function seedOf(
  context: TestContext,
  job: {
    id: string;
    frames: number;
    state?: JobState;
    owner?: string;
    project?: string;
    scene?: string;
    note?: boolean;
  },
): Promise<string> {
  const { ledger } = context;
  const { id, frames, state = 'completed', owner = 'ann', project = 'film', scene, note } = job;
  const ended = state === 'completed' || state === 'failed' || state === 'cancelled';
  const frame = ended ? 'done' : state === 'queued' ? 'waiting' : 'held';
  const steps = [
    { name: 'render', engine: 'lottie', frames: Array.from({ length: frames }, () => frame) } as const,
  ];
  const keys = await seedJob(ledger, { id, owner, project, state, steps });
  const key = keys.get('render') ?? '';
  if (scene !== undefined)
    await sql`UPDATE steps SET spec = spec || ${JSON.stringify({ scene: { asset: scene, path: 'file-0.txt' } })}::jsonb
      WHERE key = ${key}`.execute(ledger);
  if (note === true)
    await ledger.insertInto('job_notes').values({ job_id: id, author: owner, text: 'a note' }).execute();
  if (!ended) return key;
  await seedAttempt(ledger, { jobId: id, stepKey: key, frames: [1], outcome: 'completed' });
  for (let number = 1; number <= frames; number++) {
    const objectKey = await putResult(context, { jobId: id, attempt: 't1-1-1', frame: number });
    await seedResult(ledger, key, number, { objectKey, bytes: 100, sha256: sha256Of(objectKey) });
  }
  await sql`UPDATE jobs SET finished_at = now(), delivered_at = now() WHERE id = ${id}`.execute(ledger);
  await sql`UPDATE steps SET seconds_done = 1.5 * done WHERE key = ${key}`.execute(ledger);
  return key;
}
