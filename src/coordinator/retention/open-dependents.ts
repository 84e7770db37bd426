import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/** Jobs that have not ended and wait for others, or are made from their frames. */
export async function openDependents(
  ledger: Ledger | LedgerTransaction,
  jobIds: readonly string[],
): Promise<{ job: string; waiting: string }[]> {
  const { rows } = await sql<{ job: string; waiting: string }>`
    SELECT DISTINCT d.job, d.waiting FROM (
      SELECT depends_on AS job, job_id AS waiting FROM job_dependencies WHERE depends_on = ANY(${[...jobIds]})
      UNION ALL
      SELECT needed.job_id, later.job_id FROM steps needed
        JOIN step_dependencies d ON d.depends_on = needed.key JOIN steps later ON later.key = d.step_key
        WHERE needed.job_id = ANY(${[...jobIds]})
    ) d JOIN jobs w ON w.id = d.waiting
    WHERE d.job <> d.waiting AND w.state IN ('queued', 'running', 'paused', 'held')
    ORDER BY d.job, d.waiting`.execute(ledger);
  return rows;
}
