import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';

/**
 * Counts what the results of jobs take that have ended, once each time they end.
 * @returns how many were counted; fewer than `most`: no other is left.
 */
export async function countStorage(ledger: Ledger, most: number): Promise<number> {
  const { rows } = await sql<{ id: string; at: string; files: string; bytes: string }>`
    SELECT j.id, j.finished_at::text AS at, COALESCE(sum(r.files), 0)::text AS files, COALESCE(sum(r.bytes), 0)::text AS bytes
    FROM (
      SELECT id, finished_at FROM jobs WHERE finished_at IS NOT NULL AND (counted_at IS NULL OR counted_at < finished_at)
      ORDER BY finished_at LIMIT ${most}
    ) j LEFT JOIN steps s ON s.job_id = j.id LEFT JOIN LATERAL (
      SELECT count(object_key) AS files, sum(bytes) FILTER (WHERE object_key IS NOT NULL) AS bytes
      FROM frames f WHERE f.step_key = s.key
      UNION ALL SELECT count(*), sum(bytes) FROM frame_outputs o WHERE o.step_key = s.key
    ) r ON true GROUP BY j.id, j.finished_at`.execute(ledger);
  if (rows.length === 0) return 0;
  // One that was rendered again meanwhile is counted when it ends the next time; of one that is going, the last count holds.
  // A job that somebody holds is counted in the next round.
  await sql`
    WITH free AS MATERIALIZED (
      SELECT id FROM jobs WHERE id = ANY(${rows.map((row) => row.id)}) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE jobs j SET counted_at = now(),
      files = CASE WHEN j.erasing THEN j.files ELSE c.files END, bytes = CASE WHEN j.erasing THEN j.bytes ELSE c.bytes END
    FROM unnest(${rows.map((row) => row.id)}::text[], ${rows.map((row) => row.at)}::timestamptz[],
      ${rows.map((row) => row.files)}::bigint[], ${rows.map((row) => row.bytes)}::bigint[]) AS c(id, at, files, bytes)
      JOIN free f ON f.id = c.id
    WHERE j.id = c.id AND j.finished_at = c.at`.execute(ledger);
  return rows.length;
}
