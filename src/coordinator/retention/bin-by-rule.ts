import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import { NEEDED } from './needed-by.ts';
import { readRetention } from './retention-days.ts';

const MOST_AT_ONCE = 200;

/** A job `j` that rules may put into the bin at all. A label `keep` keeps it, as the verb does. */
export const MAY_EXPIRE = sql`
  j.finished_at IS NOT NULL AND j.binned_at IS NULL AND NOT j.kept AND j.state IN ('completed', 'failed', 'cancelled')
  AND lower(COALESCE(j.labels->>'keep', 'false')) IN ('false', 'no', '0', '')
  AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.job_id = j.id AND (s.sweep IS NOT NULL OR s.judge_due > 0 OR s.queued + s.running > 0))`;

/** Since when a job `j` is kept: it was delivered, has ended, or somebody took it out of the bin. */
export const KEPT_SINCE = sql`GREATEST(COALESCE(j.delivered_at, j.finished_at), j.restored_at)`;

/** Its time is over, by the rule of its project, else by the farm's, and nobody needs it. */
const EXPIRED = sql`${MAY_EXPIRE}
  AND ${KEPT_SINCE} < now() - make_interval(days => COALESCE((
    SELECT COALESCE(days, 1000000) FROM retention WHERE what = j.state::text AND project IN (j.project, '')
    ORDER BY project DESC LIMIT 1
  ), 1000000)) AND NOT (${NEEDED})`;

/**
 * Puts jobs into the bin that the rules do not keep any longer, some at a time. Without a rule it does nothing.
 * @returns ids of the jobs
 */
export async function binByRule(lease: Pick<LeaderLease, 'fence'>, ledger: Ledger): Promise<string[]> {
  const found = await expired(ledger);
  if (found.length === 0) return [];
  return ledger.transaction().execute(async (trx) => {
    await lease.fence(trx, found);
    const days = await readRetention(trx);
    const binned: string[] = [];
    const projects = await sql<{ project: string; ids: string[] }>`
      SELECT project, array_agg(j.id ORDER BY j.id) AS ids FROM jobs j
      WHERE j.id = ANY(${found}) AND ${EXPIRED} GROUP BY project`.execute(trx);
    for (const { project, ids } of projects.rows) {
      await sql`UPDATE jobs SET binned_at = now(), binned_by = 'farmhand',
          erase_at = now() + make_interval(days => ${days('bin', project)}::int)
        WHERE id = ANY(${ids})`.execute(trx);
      binned.push(...ids);
    }
    await sql`INSERT INTO job_events (job_id, kind, actor, message)
      SELECT unnest(${binned}::text[]), 'delete', 'farmhand', 'Put into the bin: its time is over.'`.execute(
      trx,
    );
    return binned;
  });
}

async function expired(ledger: Ledger): Promise<string[]> {
  const rules = await ledger
    .selectFrom('retention')
    .select(['what', 'project', 'days'])
    .where('what', 'in', ['completed', 'failed', 'cancelled'])
    .where('days', 'is not', null)
    .orderBy('what')
    .orderBy('project')
    .execute();
  const found: string[] = [];
  for (const { what, project, days } of rules) {
    if (found.length >= MOST_AT_ONCE) break;
    // By the rule's own state and time: what other rules keep longer is not looked at each time.
    const { rows } = await sql<{ id: string }>`
      SELECT j.id FROM jobs j
      WHERE j.state::text = ${what} AND j.finished_at < now() - make_interval(days => ${days}) AND ${EXPIRED}
        AND (${project} = '' OR j.project = ${project})
      ORDER BY j.finished_at LIMIT ${MOST_AT_ONCE - found.length}`.execute(ledger);
    found.push(...rows.map(({ id }) => id));
  }
  return [...new Set(found)];
}
