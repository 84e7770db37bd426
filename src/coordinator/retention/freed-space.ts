import { sql } from 'kysely';
import type { ControlFigures } from '../../shared/domain/control-figures.ts';
import { withoutZeros, type ControlContext } from '../control/control-context.ts';
import { filesOfBatches, filesOfTemplates, namedBy } from './named-assets.ts';

/**
 * What a job's results take, and with them the scenes that nothing else uses. It has ended: what was counted then holds.
 * Scenes are registered assets; files that two of them share are in both.
 */
export async function freedBy({ trx, job, steps }: ControlContext): Promise<ControlFigures> {
  const keys = steps.map((step) => step.key);
  const { rows } = await sql<{ files: number; bytes: number; scenes: number }>`
    WITH counted AS (
      SELECT files::float8 AS files, bytes::float8 AS bytes FROM jobs
      WHERE id = ${job.id} AND counted_at >= finished_at
    ), own AS MATERIALIZED (${namedBy(sql`j.id = ${job.id}`)}),
    results AS (
      SELECT count(object_key)::float8 AS files, COALESCE(sum(bytes), 0)::float8 AS bytes FROM (
        SELECT object_key, bytes FROM frames WHERE step_key = ANY(${keys}::bigint[])
        UNION ALL SELECT object_key, bytes FROM frame_outputs WHERE step_key = ANY(${keys}::bigint[])
      ) r WHERE NOT EXISTS (SELECT 1 FROM counted)
    )
    SELECT COALESCE((SELECT files FROM counted), (SELECT files FROM results)) AS files,
      COALESCE((SELECT bytes FROM counted), (SELECT bytes FROM results)) AS bytes,
      COALESCE((
        SELECT sum(a.bytes) FROM own JOIN assets a ON a.sha256 = own.asset
        WHERE NOT EXISTS (SELECT 1 FROM job_assets o WHERE o.asset = a.sha256 AND o.job_id <> ${job.id})
          AND a.sha256 NOT IN (${filesOfTemplates}) AND a.sha256 NOT IN (${filesOfBatches})
      ), 0)::float8 AS scenes`.execute(trx);
  const { files = 0, bytes = 0, scenes = 0 } = rows[0] ?? {};
  return withoutZeros({ files, bytes: bytes + scenes, sceneBytes: scenes });
}
