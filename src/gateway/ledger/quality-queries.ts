import { sql } from 'kysely';
import {
  VERDICTS,
  type Finding,
  type Measures,
  type QualityPolicy,
  type Verdict,
} from '../../shared/contracts/quality.ts';
import {
  VERDICT_LETTERS,
  type FrameQualityPage,
  type JobQuality,
  type JobVerdicts,
  type WaitingDecisions,
} from '../../shared/contracts/quality-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { WAITING_DECISIONS } from '../../shared/database/waiting-decisions.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { previewKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { MAX_GRID_FRAMES } from './grid-size.ts';

const MOST_NAMED = 10;
const MOST_DISAGREEMENTS = 100;
/** Of other formats their small picture is shown. */
const FOR_BROWSERS = /\.(?:png|jpe?g|webp|gif)$/i;

/** What the ledger says of results: verdicts, findings, what waits for a person, and what was decided. */
export class QualityQueries {
  readonly #ledger: Ledger;
  readonly #objects: ObjectStore;

  constructor(ledger: Ledger, objects: ObjectStore) {
    this.#ledger = ledger;
    this.#objects = objects;
  }

  async job(jobId: string): Promise<JobQuality> {
    const [steps, findings, decisions, disagreements] = await Promise.all([
      this.#steps(jobId),
      this.#findings(jobId),
      this.#decisions(jobId),
      this.#disagreements(jobId),
    ]);
    return { steps, findings, decisions, disagreements };
  }

  /** Steps of which nothing is judged are left out. */
  async #steps(jobId: string): Promise<JobQuality['steps']> {
    const { rows } = await sql<{
      step: string;
      policy: QualityPolicy;
      comparing: boolean;
      counts: { verdict: Verdict | null; frames: number }[];
    }>`
      SELECT s.name AS step, s.spec->'quality' AS policy, s.judge_due > 0 AS comparing, COALESCE((
        SELECT json_agg(n) FROM (
          SELECT verdict, count(*)::int AS frames FROM frames
          WHERE step_key = s.key AND state IN ('done', 'held') GROUP BY verdict
        ) n), '[]') AS counts
      FROM steps s WHERE s.job_id = ${jobId} AND s.spec ? 'quality' ORDER BY s.position`.execute(
      this.#ledger,
    );
    return rows.map(({ counts, ...step }) => {
      const of = (verdict: Verdict | null): number =>
        counts.find((count) => count.verdict === verdict)?.frames ?? 0;
      const verdicts = {
        pass: of('pass'),
        unchecked: of('unchecked'),
        warn: of('warn'),
        fail: of('fail'),
        hold: of('hold'),
        none: of(null),
      };
      return { ...step, verdicts };
    });
  }

  async #findings(jobId: string): Promise<JobQuality['findings']> {
    const { rows } = await sql<JobQuality['findings'][number]>`
      SELECT s.name AS step, n.* FROM steps s CROSS JOIN LATERAL (
        SELECT x->>'check' AS check, x->>'verdict' AS verdict, count(DISTINCT f.number)::int AS frames,
          (array_agg(DISTINCT f.number ORDER BY f.number))[1:${sql.lit(MOST_NAMED)}] AS first,
          (array_agg(x->>'message' ORDER BY f.number))[1] AS message
        FROM frames f CROSS JOIN LATERAL jsonb_array_elements(f.findings) x
        WHERE f.step_key = s.key AND f.verdict IN ('warn', 'fail', 'hold') AND f.state IN ('done', 'held')
          AND f.findings IS NOT NULL
        GROUP BY 1, 2
      ) n WHERE s.job_id = ${jobId} ORDER BY n.frames DESC, s.position, n.check`.execute(this.#ledger);
    return rows;
  }

  async #decisions(jobId: string): Promise<WaitingDecisions | null> {
    const row = await this.#ledger
      .selectFrom('jobs')
      .select(WAITING_DECISIONS.as('decisions'))
      .where('id', '=', jobId)
      .executeTakeFirst();
    return row?.decisions ?? null;
  }

  async #disagreements(jobId: string): Promise<JobQuality['disagreements']> {
    const { rows } = await sql<JobQuality['disagreements'][number]>`
      SELECT s.name AS step, a.number AS frame, array_remove(ARRAY[a.worker, a.differs_worker], NULL) AS workers,
        array_remove(ARRAY[a.attempt, a.differs_attempt], NULL) AS attempts, a.difference
      FROM steps s JOIN judged_attempts a ON a.step_key = s.key
      WHERE s.job_id = ${jobId} AND a.difference IS NOT NULL ORDER BY a.key DESC LIMIT ${MOST_DISAGREEMENTS}`.execute(
      this.#ledger,
    );
    return rows;
  }

  /** Of all frames, made into one string a step by the database. */
  async verdicts(jobId: string): Promise<JobVerdicts> {
    const letter = sql.join(
      VERDICTS.map((verdict) => sql`WHEN ${sql.lit(verdict)} THEN ${sql.lit(VERDICT_LETTERS[verdict])}`),
      sql` `,
    );
    const { rows } = await sql<JobVerdicts['steps'][number]>`
      SELECT s.name AS step, COALESCE((
        SELECT string_agg(CASE f.verdict ${letter} ELSE ${sql.lit(VERDICT_LETTERS.none)} END, '' ORDER BY f.position)
        FROM frames f WHERE f.step_key = s.key
      ), '') AS verdicts
      FROM steps s WHERE s.job_id = ${jobId} AND s.frame_total <= ${sql.lit(MAX_GRID_FRAMES)}
      ORDER BY s.position`.execute(this.#ledger);
    return { steps: rows };
  }

  /** One frame with its history. @throws FarmError `not-found` */
  async frame(jobId: string, step: string, number: number): Promise<FrameQualityPage> {
    const { rows } = await sql<{
      step_key: string;
      generation: number;
      state: string;
      verdict: Verdict | null;
      findings: Finding[] | null;
      measures: Measures | null;
    }>`
      SELECT f.step_key, f.generation, f.state, f.verdict, f.findings, q.measures FROM steps s
      JOIN frames f ON f.step_key = s.key AND f.number = ${number}
      LEFT JOIN frame_quality q ON q.step_key = f.step_key AND q.number = f.number AND q.generation = f.generation
      WHERE s.job_id = ${jobId} AND s.name = ${step}`.execute(this.#ledger);
    const [row] = rows;
    if (!row) throw new FarmError('not-found', `Job ${jobId} has no frame ${number} in a step ${step}.`);
    const { step_key: stepKey, generation, state, verdict, findings, measures } = row;
    const attempts = await this.#attempts({ jobId, step, frame: number }, stepKey);
    return { step, frame: number, generation, state, verdict, findings: plain(findings), measures, attempts };
  }

  async #attempts(
    at: { jobId: string; step: string; frame: number },
    stepKey: string,
  ): Promise<FrameQualityPage['attempts']> {
    const rows = await this.#ledger
      .selectFrom('judged_attempts')
      .selectAll()
      .where('step_key', '=', stepKey)
      .where('number', '=', at.frame)
      .orderBy('key')
      .execute();
    const picture = (row: (typeof rows)[number]): string | null =>
      row.object_key === null || FOR_BROWSERS.test(row.object_key)
        ? row.object_key
        : previewKey({ ...at, generation: row.generation });
    const urls = await Promise.all(
      rows.map(async (row) => {
        const key = picture(row);
        return key === null ? null : await this.#objects.signDownload(key);
      }),
    );
    return rows.map((row, index) => ({
      generation: row.generation,
      attempt: row.attempt,
      worker: row.worker,
      verdict: row.verdict,
      findings: plain(row.findings),
      pixels: row.pixels?.toString('hex') ?? null,
      key: row.object_key,
      url: urls[index] ?? null,
      at: row.judged_at.toISOString(),
      decision: row.decision,
      by: row.decided_by,
      note: row.note,
      decidedAt: row.decided_at?.toISOString() ?? null,
      differs:
        row.difference === null
          ? null
          : {
              worker: row.differs_worker ?? '',
              attempt: row.differs_attempt ?? '',
              difference: row.difference,
            },
    }));
  }
}

/** Findings without what only the ledger needs to know of them. */
export function plain(findings: readonly Finding[] | null): Finding[] {
  return (findings ?? []).map(({ check, verdict, message, value, threshold, output }) => ({
    check,
    verdict,
    message,
    value,
    threshold,
    ...(output === undefined ? {} : { output }),
  }));
}
