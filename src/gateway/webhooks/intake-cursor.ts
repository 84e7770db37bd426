import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { JobMark } from '../events/notice-events.ts';
import type { LedgerTransaction } from './record-events.ts';

const LEASE_SECONDS = 15;
/** Longer than the stream of statuses keeps anything. */
const KEPT_DAYS = 8;

/** What ended so lately is announced at this moment, as a rule. */
const GRACE_SECONDS = 15;
/** So much is looked at in one transaction. */
const SWEEP_SECONDS = 600;

/** Another gateway reads the stream for webhooks now; what this one was about to write must not be written. */
export class NotReaderError extends Error {
  constructor() {
    super('Another gateway reads the stream for webhooks now');
    this.name = 'NotReaderError';
  }
}

export interface CursorPlace {
  streamCreated: string | null;
  /** The last message that was taken in; null: there was nothing to read for. */
  lastSequence: number | null;
}

export interface SweptTime {
  after: Date;
  until: Date;
}

/** How far the stream was read for webhooks. One gateway reads; another one takes over when it is gone. */
export class IntakeCursor {
  readonly #ledger: Ledger;
  readonly #holder: string;

  constructor(ledger: Ledger, holder: string) {
    this.#ledger = ledger;
    this.#holder = holder;
  }

  /** @returns where to go on, or undefined while another gateway reads. */
  async take(): Promise<CursorPlace | undefined> {
    const { rows } = await sql<{ stream_created: string | null; last_sequence: string | null }>`
      UPDATE webhook_cursor SET holder = ${this.#holder}, leased_until = now() + make_interval(secs => ${LEASE_SECONDS})
      WHERE holder = ${this.#holder} OR leased_until IS NULL OR leased_until < now()
      RETURNING stream_created, last_sequence`.execute(this.#ledger);
    const [row] = rows;
    return (
      row && {
        streamCreated: row.stream_created,
        lastSequence: row.last_sequence === null ? null : Number(row.last_sequence),
      }
    );
  }

  /** Gives it back, so that another gateway need not wait. */
  async release(): Promise<void> {
    await sql`UPDATE webhook_cursor SET leased_until = NULL WHERE holder = ${this.#holder}`.execute(
      this.#ledger,
    );
  }

  /** The oldest webhook's age: nothing before it is wanted. Undefined: there is no webhook. */
  async oldestWebhook(): Promise<Date | undefined> {
    const { rows } = await sql<{ at: Date | null }>`SELECT min(created_at) AS at FROM webhooks`.execute(
      this.#ledger,
    );
    return rows[0]?.at ?? undefined;
  }

  /** There is nothing to read for: when there is, reading begins then. @throws NotReaderError */
  async rest(): Promise<void> {
    await this.#ledger.transaction().execute(async (trx) => {
      await this.#hold(trx, sql`stream_created = NULL, last_sequence = NULL, swept_at = now()`);
      await sql`DELETE FROM webhook_marks`.execute(trx);
    });
  }

  /**
   * Writes something as the one who reads, together with how far that is.
   * @throws NotReaderError when another one does; then nothing is written.
   */
  async advance<T>(
    place: { streamCreated: string; lastSequence: number },
    write: (trx: LedgerTransaction) => Promise<T>,
  ): Promise<T> {
    return await this.#ledger.transaction().execute(async (trx) => {
      await this.#hold(
        trx,
        sql`stream_created = ${place.streamCreated}, last_sequence = ${String(place.lastSequence)}`,
      );
      return await write(trx);
    });
  }

  /**
   * As {@link advance}, for what is found in the ledger itself: from where the last look ended, up to a little while ago.
   * @returns what `write` returns, and whether there is more.
   */
  async sweep<T>(
    write: (trx: LedgerTransaction, time: SweptTime) => Promise<T>,
  ): Promise<{ result: T; more: boolean }> {
    return await this.#ledger.transaction().execute(async (trx) => {
      const { rows } = await sql<SweptTime & { more: boolean }>`
        SELECT swept_at AS after, "until", "until" < now() - make_interval(secs => ${GRACE_SECONDS}) AS more
        FROM (SELECT swept_at, GREATEST(swept_at, LEAST(
          now() - make_interval(secs => ${GRACE_SECONDS}), swept_at + make_interval(secs => ${SWEEP_SECONDS})
        )) AS "until" FROM webhook_cursor) c`.execute(trx);
      const [time] = rows;
      if (!time) throw new NotReaderError();
      const result = await write(trx, time);
      await this.#hold(trx, sql`swept_at = ${time.until}`);
      return { result, more: time.more };
    });
  }

  async readMarks(): Promise<Map<string, JobMark>> {
    const rows = await this.#ledger.selectFrom('webhook_marks').selectAll().execute();
    return new Map(
      rows.map((row) => [
        row.job_id,
        { held: row.held, failedFrames: row.failed_frames, heldFrames: row.held_frames },
      ]),
    );
  }

  /** Ended deliveries, events that nobody waits for, and marks of jobs that were not heard of for days. */
  async prune(): Promise<void> {
    const old = sql`now() - make_interval(days => ${KEPT_DAYS - 1})`;
    await sql`DELETE FROM webhook_events e WHERE created_at < ${old}
      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id
        AND (d.state = 'pending' OR d.ended_at >= ${old}))`.execute(this.#ledger);
    await sql`DELETE FROM webhook_marks WHERE at < now() - make_interval(days => ${KEPT_DAYS})`.execute(
      this.#ledger,
    );
  }

  async #hold(trx: LedgerTransaction, set: ReturnType<typeof sql>): Promise<void> {
    const { rows } = await sql`
      UPDATE webhook_cursor SET leased_until = now() + make_interval(secs => ${LEASE_SECONDS}), ${set}
      WHERE holder = ${this.#holder} RETURNING holder`.execute(trx);
    if (rows.length === 0) throw new NotReaderError();
  }
}

/** Marks that are of no more use are removed. */
export async function writeMarks(
  trx: LedgerTransaction,
  marks: ReadonlyMap<string, JobMark | undefined>,
): Promise<void> {
  const gone = [...marks].flatMap(([id, mark]) => (mark === undefined ? [id] : []));
  if (gone.length > 0) await sql`DELETE FROM webhook_marks WHERE job_id = ANY(${gone}::text[])`.execute(trx);
  const kept = [...marks].flatMap(([id, mark]) => (mark === undefined ? [] : [{ id, ...mark }]));
  if (kept.length === 0) return;
  await sql`
    INSERT INTO webhook_marks (job_id, held, failed_frames, held_frames)
    SELECT * FROM unnest(${kept.map(({ id }) => id)}::text[], ${kept.map(({ held }) => held)}::bool[],
      ${kept.map(({ failedFrames }) => failedFrames)}::int[], ${kept.map(({ heldFrames }) => heldFrames)}::int[])
    ON CONFLICT (job_id) DO UPDATE SET held = excluded.held, failed_frames = excluded.failed_frames,
      held_frames = excluded.held_frames, at = now()`.execute(trx);
}
