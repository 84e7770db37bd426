import { sql, type RawBuilder } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { FrameImage } from './frame-queries.ts';

export interface JobPicture extends FrameImage {
  step: string;
  frame: number;
}

const LOOKED_AT = 300;

/** The first finished one of a few hundred frames. */
const near = (from: RawBuilder<unknown>, rank: number): RawBuilder<unknown> => sql`(
  SELECT ${sql.lit(rank)} AS rank, n.* FROM (
    SELECT number, generation, object_key, bytes, state FROM frames
    WHERE step_key = s.key AND number >= ${from} ORDER BY number LIMIT ${sql.lit(LOOKED_AT)}
  ) n WHERE n.state = 'done' AND n.object_key IS NOT NULL ORDER BY n.number LIMIT 1)`;

/** Of the first step that has some: one from its middle on, or else from its beginning. */
export async function readJobPicture(ledger: Ledger, jobId: string): Promise<JobPicture | undefined> {
  const { rows } = await sql<{
    step: string;
    number: number;
    generation: number;
    object_key: string;
    bytes: string | null;
  }>`
    SELECT s.name AS step, f.number, f.generation, f.object_key, f.bytes
    FROM steps s
    CROSS JOIN LATERAL (SELECT number AS first FROM frames WHERE step_key = s.key ORDER BY number LIMIT 1) a
    CROSS JOIN LATERAL (SELECT number AS last FROM frames WHERE step_key = s.key ORDER BY number DESC LIMIT 1) z
    CROSS JOIN LATERAL (${near(sql`(a.first::bigint + z.last) / 2`, 1)} UNION ALL ${near(sql`a.first`, 2)}) f
    WHERE s.job_id = ${jobId} AND s.done > 0 ORDER BY s.position, f.rank LIMIT 1`.execute(ledger);
  const [row] = rows;
  if (!row) return undefined;
  const { step, number, generation, object_key: objectKey, bytes } = row;
  return { step, frame: number, generation, objectKey, bytes: Number(bytes ?? 0) };
}
