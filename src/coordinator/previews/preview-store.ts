import { sql } from 'kysely';
import type { PreviewDoneRequest, PreviewKind } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { StepSpec } from '../../shared/database/schema.ts';
import { stepMark } from '../../shared/database/step-mark.ts';
import type { JobState } from '../../shared/domain/states.ts';

/** Somebody watches as long as they ask again within this time; the page and the command line do. */
const WATCHED = '10 minutes';
/** Rows looked at in one round; the ones asked for last come first. */
const MOST_ROWS = 200;

export interface WantedPreview {
  jobId: string;
  step: string;
  kind: PreviewKind;
  stepState: JobState;
  frameTotal: number;
  done: number;
  mark: string;
  madeMark: string | null;
  shown: number;
  orderId: string | null;
  worker: string | null;
  secondsSinceOrder: number | null;
  begun: boolean;
  failures: number;
  orderedMark: string | null;
}

export interface OrderedPreview {
  jobId: string;
  step: string;
  kind: PreviewKind;
  stepKey: string;
  spec: StepSpec;
}

/** Previews in the ledger: what is wanted, who has it, what came of it. */
export class PreviewStore {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** What somebody watches. */
  async wanted(): Promise<WantedPreview[]> {
    const { rows } = await sql<WantedPreview>`
      SELECT p.job_id AS "jobId", p.step, p.kind, s.state AS "stepState", s.frame_total AS "frameTotal", s.done,
        ${stepMark('s')} AS mark, p.made_mark AS "madeMark", p.frames AS shown, p.order_id AS "orderId", p.worker,
        extract(epoch FROM now() - p.ordered_at)::float8 AS "secondsSinceOrder", p.begun_at IS NOT NULL AS begun, p.failures,
        p.ordered_mark AS "orderedMark"
      FROM previews p JOIN steps s ON s.job_id = p.job_id AND s.name = p.step
      WHERE p.wanted_at > now() - ${WATCHED}::interval
      ORDER BY p.wanted_at DESC LIMIT ${MOST_ROWS}::int`.execute(this.#ledger);
    return rows;
  }

  /** Gives an order, unless another one was given since it was looked at. @returns whether it was given */
  async order(preview: WantedPreview, orderId: string, worker: string): Promise<boolean> {
    const { jobId, step, kind, mark } = preview;
    const { numAffectedRows } = await sql`
      UPDATE previews SET order_id = ${orderId}, worker = ${worker}, ordered_at = now(), begun_at = NULL, ordered_mark = ${mark}
      WHERE job_id = ${jobId} AND step = ${step} AND kind = ${kind}
        AND order_id IS NOT DISTINCT FROM ${preview.orderId}::text`.execute(this.#ledger);
    return numAffectedRows === 1n;
  }

  /** A worker that was started anew knows nothing of its orders. */
  async forget(worker: string): Promise<void> {
    await sql`UPDATE previews SET order_id = NULL, worker = NULL WHERE worker = ${worker}`.execute(
      this.#ledger,
    );
  }

  /** What an order that still counts is for; says that its worker is at it. */
  async begin(orderId: string, worker: string): Promise<OrderedPreview | undefined> {
    const { rows } = await sql<OrderedPreview>`
      WITH begun AS (
        UPDATE previews SET begun_at = COALESCE(begun_at, now()) WHERE order_id = ${orderId} AND worker = ${worker}
        RETURNING job_id, step, kind
      )
      SELECT b.job_id AS "jobId", b.step, b.kind, s.key AS "stepKey", s.spec
      FROM begun b JOIN steps s ON s.job_id = b.job_id AND s.name = b.step`.execute(this.#ledger);
    return rows[0];
  }

  /** Whether an object is what a preview shows, or showed before. */
  async isShown(key: string): Promise<boolean> {
    const { rows } = await sql`
      SELECT 1 FROM previews WHERE job_id = split_part(${key}, '/', 2) AND (object_key = ${key} OR previous_key = ${key})`.execute(
      this.#ledger,
    );
    return rows.length > 0;
  }

  /** @returns the object that nobody is shown any more, to be removed; undefined for an order that no longer counts */
  async finish(
    orderId: string,
    worker: string,
    outcome: PreviewDoneRequest['outcome'],
  ): Promise<{ obsolete: string | null } | undefined> {
    if ('error' in outcome) {
      await sql`
        UPDATE previews SET order_id = NULL, worker = NULL, failures = failures + 1, error = ${outcome.error}
        WHERE order_id = ${orderId} AND worker = ${worker}`.execute(this.#ledger);
      return undefined;
    }
    const { key, bytes, frames } = outcome;
    // The same pictures give the same key: then there is no object before it.
    const { rows } = await sql<{ obsolete: string | null }>`
      WITH before AS (
        SELECT job_id, step, kind, object_key, previous_key FROM previews
        WHERE order_id = ${orderId} AND worker = ${worker} FOR UPDATE
      )
      UPDATE previews p SET order_id = NULL, worker = NULL, failures = 0, error = NULL, object_key = ${key},
        bytes = ${bytes}, frames = ${frames}, made_mark = p.ordered_mark, made_at = now(),
        previous_key = CASE WHEN before.object_key = ${key} THEN before.previous_key ELSE before.object_key END
      FROM before WHERE p.job_id = before.job_id AND p.step = before.step AND p.kind = before.kind
      RETURNING CASE WHEN before.previous_key IS DISTINCT FROM ${key} AND before.object_key <> ${key}
        THEN before.previous_key END AS obsolete`.execute(this.#ledger);
    return rows[0];
  }
}
