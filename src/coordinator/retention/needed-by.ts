import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';

/**
 * Who needs the results of these jobs: jobs that have not ended and wait for them or are made from their frames, and
 * deliveries that are under way.
 * @returns `by`: `Job j1` or `Delivery d1`
 */
export async function neededBy(
  ledger: Ledger | LedgerTransaction,
  jobIds: readonly string[],
): Promise<{ job: string; by: string }[]> {
  const { rows } = await sql<{ job: string; by: string }>`
    SELECT d.job, 'Job ' || d.waiting AS by FROM (
      SELECT depends_on AS job, job_id AS waiting FROM job_dependencies WHERE depends_on = ANY(${[...jobIds]})
      UNION
      SELECT needed.job_id, later.job_id FROM steps needed
        JOIN step_dependencies d ON d.depends_on = needed.key JOIN steps later ON later.key = d.step_key
        WHERE needed.job_id = ANY(${[...jobIds]})
    ) d JOIN jobs w ON w.id = d.waiting
    WHERE d.job <> d.waiting AND w.state IN ('queued', 'running', 'paused', 'held')
    UNION ALL
    SELECT job_id, 'Delivery ' || id FROM deliveries
    WHERE job_id = ANY(${[...jobIds]}) AND state IN ('queued', 'running')
    ORDER BY job, by`.execute(ledger);
  return rows;
}

/** The same of one job `j`, as a condition: those that are needed must not stand in the way of those behind them. */
export const NEEDED = sql`EXISTS (
    SELECT 1 FROM job_dependencies d JOIN jobs w ON w.id = d.job_id
    WHERE d.depends_on = j.id AND d.job_id <> j.id AND w.state IN ('queued', 'running', 'paused', 'held')
  ) OR EXISTS (
    SELECT 1 FROM steps needed JOIN step_dependencies d ON d.depends_on = needed.key JOIN steps later ON later.key = d.step_key
      JOIN jobs w ON w.id = later.job_id
    WHERE needed.job_id = j.id AND later.job_id <> j.id AND w.state IN ('queued', 'running', 'paused', 'held')
  ) OR EXISTS (SELECT 1 FROM deliveries v WHERE v.job_id = j.id AND v.state IN ('queued', 'running'))`;
