import { sql, type RawBuilder } from 'kysely';
import type { Decision } from '../../shared/database/quality-tables.ts';

/** Beside `walked`, the frames that somebody chose: those that waited for a person's decision have it now. */
export const decide = (
  decision: Extract<Decision, 'accepted' | 'retried' | 'skipped'>,
): RawBuilder<unknown> => sql`
  decided AS (
    UPDATE judged_attempts a SET decision = ${sql.lit(decision)}, decided_by = n.decided_by, note = n.note, decided_at = now()
    FROM (
      SELECT w.decided_by, w.note, held.key FROM walked w CROSS JOIN LATERAL (
        SELECT key FROM judged_attempts WHERE step_key = w.key AND number = w.number AND decision = 'held'
        ORDER BY key DESC LIMIT 1
      ) held
      WHERE w.state = 'held' AND w.verdict IS NOT NULL AND w.decided_by IS NOT NULL
    ) n WHERE a.key = n.key
  )`;

/**
 * Before a frame that is done is rendered again because somebody asked for it, its result goes into its history: the next
 * one is compared with it, and its object stays. Nothing of frames of which nothing was measured.
 */
export const keepResults = (): RawBuilder<unknown> => sql`
  kept AS (
    INSERT INTO judged_attempts (step_key, number, generation, attempt, worker, verdict, findings, measures, pixels, thumbnail,
      object_key, decision, decided_by, note, decided_at)
    SELECT f.step_key, f.number, q.generation, f.attempt, f.worker, f.verdict, COALESCE(f.findings, '[]'), q.measures, q.pixels,
      q.thumbnail, f.object_key, 'retried', w.decided_by, w.note, now()
    FROM walked w JOIN frames f ON f.ctid = w.tid CROSS JOIN LATERAL (
      SELECT * FROM frame_quality WHERE step_key = w.key AND number = w.number OFFSET 0
    ) q
    WHERE w.state = 'done' AND w.decided_by IS NOT NULL AND q.generation = f.generation
  )`;
