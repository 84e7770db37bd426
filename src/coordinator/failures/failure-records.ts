import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { FailureGroup } from './hold-decision.ts';

/** A frame that failed with a worker. */
export interface FrameFailure {
  stepKey: string;
  number: number;
  worker: string;
  message: string;
}

/**
 * Remembers what frames failed with, of steps that may be held for it: none of their frames has succeeded.
 * @returns by step, its failures by what they say, most frames first, with the version that the step is rendered with.
 */
export async function recordStepFailures(
  trx: LedgerTransaction,
  failures: readonly (FrameFailure & { fingerprint: string })[],
): Promise<Map<string, (FailureGroup & { engineVersion: string | null })[]>> {
  if (failures.length === 0) return new Map();
  const column = <T>(pick: (failure: FrameFailure & { fingerprint: string }) => T): T[] => failures.map(pick);
  const { rows: written } = await sql<{ step_key: string }>`
    INSERT INTO step_failures (step_key, fingerprint, worker, number, message)
    SELECT n.step_key, n.fingerprint, n.worker, n.number, n.message
    FROM unnest(${column((f) => f.stepKey)}::bigint[], ${column((f) => f.fingerprint)}::text[], ${column((f) => f.worker)}::text[],
      ${column((f) => f.number)}::int[], ${column((f) => f.message)}::text[]) AS n(step_key, fingerprint, worker, number, message)
    JOIN steps s ON s.key = n.step_key
    WHERE s.done = 0 AND s.hold_allowed AND s.hold_reason IS NULL
    ON CONFLICT DO NOTHING RETURNING step_key`.execute(trx);
  if (written.length === 0) return new Map();
  const { rows } = await sql<FailureGroup & { step_key: string; engineVersion: string | null }>`
    SELECT f.step_key, count(DISTINCT f.number)::int AS frames, array_agg(DISTINCT f.worker) AS workers, min(f.message) AS message,
      s.engine_version AS "engineVersion"
    FROM step_failures f JOIN steps s ON s.key = f.step_key WHERE f.step_key = ANY(${[...new Set(written.map((row) => row.step_key))]}::bigint[])
    GROUP BY f.step_key, f.fingerprint, s.engine_version ORDER BY frames DESC`.execute(trx);
  return Map.groupBy(rows, (row) => row.step_key);
}

/** Remembers frames that failed with a worker, and whether it says itself that its machine is at fault. */
export async function recordWorkerFailures(
  trx: LedgerTransaction,
  failures: readonly (FrameFailure & { byHost: boolean })[],
): Promise<void> {
  if (failures.length === 0) return;
  // One row a frame, however often it failed in this batch.
  const rows = new Map<string, FrameFailure & { times: number }>();
  for (const failure of failures) {
    const key = `${failure.worker}/${failure.stepKey}/${failure.number}`;
    rows.set(key, { ...failure, times: (rows.get(key)?.times ?? 0) + (failure.byHost ? 1 : 0) });
  }
  const column = <T>(pick: (failure: FrameFailure & { times: number }) => T): T[] =>
    [...rows.values()].map(pick);
  await sql`
    INSERT INTO worker_failures AS w (worker, step_key, number, host_failures, message)
    SELECT * FROM unnest(${column((f) => f.worker)}::text[], ${column((f) => f.stepKey)}::bigint[], ${column((f) => f.number)}::int[],
      ${column((f) => f.times)}::int[], ${column((f) => f.message)}::text[]) AS n(worker, step_key, number, times, message)
    ORDER BY n.worker, n.step_key, n.number
    ON CONFLICT (worker, step_key, number) DO UPDATE
      SET host_failures = w.host_failures + excluded.host_failures, message = excluded.message, at = now()`.execute(
    trx,
  );
}

/** Workers that brought a frame: what they failed with before says nothing of them any more. */
export async function forgetWorkerFailures(
  trx: LedgerTransaction,
  workers: readonly string[],
): Promise<void> {
  if (workers.length === 0) return;
  await sql`DELETE FROM worker_failures WHERE worker = ANY(${[...workers]}::text[])`.execute(trx);
}
