import { sql, type Selectable, type UpdateObject } from 'kysely';
import type { Delivery, ResultFileEntry } from '../../shared/contracts/delivery-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { DeliveriesTable } from '../../shared/database/delivery-tables.ts';
import type { Database } from '../../shared/database/schema.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { ResultSelection } from '../ledger/result-selection.ts';
import type { Destination } from './target-store.ts';

export type DeliveryRow = Selectable<DeliveriesTable>;

export interface NewDelivery {
  jobId: string;
  destination: Destination;
  selection: ResultSelection;
  pattern: string | undefined;
  total: { files: number; bytes: number };
  by: string;
}

/** What became of a page of files. */
export interface CopiedPage {
  copied: ResultFileEntry[];
  kept: number;
  failures: Delivery['failures'];
  place: readonly [number, number] | undefined;
}

const HOLD = sql<never>`now() + interval '30 seconds'`;
const MOST_KEPT_FAILURES = 20;

/** Deliveries in the ledger. Several gateways share them: each holds those that it works on, for half a minute at a time. */
export class DeliveryStore {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async add({ jobId, destination, selection, pattern, total, by }: NewDelivery): Promise<Delivery> {
    const row = await this.#ledger
      .insertInto('deliveries')
      .values({
        id: newId('d'),
        job_id: jobId,
        ...destination,
        step: selection.step ?? null,
        output: selection.output ?? null,
        frames: selection.frames ?? null,
        pattern: pattern ?? null,
        files_total: total.files,
        bytes_total: String(total.bytes),
        error: null,
        holder: null,
        created_by: by,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toDelivery(row);
  }

  /** Newest first. */
  async ofJob(jobId: string): Promise<Delivery[]> {
    const rows = await this.#ledger
      .selectFrom('deliveries')
      .selectAll()
      .where('job_id', '=', jobId)
      .orderBy('created_at', 'desc')
      .limit(100)
      .execute();
    return rows.map(toDelivery);
  }

  /** @throws FarmError `not-found` */
  async get(id: string): Promise<Delivery> {
    const row = await this.#ledger
      .selectFrom('deliveries')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (!row) throw new FarmError('not-found', `There is no delivery ${id}.`);
    return toDelivery(row);
  }

  /** Ends one that has not ended; files that were copied stay. @throws FarmError `not-found`, `conflict` */
  async cancel(id: string): Promise<Delivery> {
    const row = await this.#ledger.transaction().execute(async (transaction) => {
      const cancelled = await transaction
        .updateTable('deliveries')
        .set({ state: 'cancelled', holder: null, finished_at: sql`now()` })
        .where('id', '=', id)
        .where('state', 'in', ['queued', 'running'])
        .returningAll()
        .executeTakeFirst();
      if (cancelled) await deletePages(transaction, id);
      return cancelled;
    });
    if (row) return toDelivery(row);
    const { state } = await this.get(id);
    throw new FarmError('conflict', `The delivery ${id} has ended: it is ${state}.`);
  }

  /** The oldest that nobody works on, now held by this one. */
  async claim(holder: string): Promise<DeliveryRow | undefined> {
    return await this.#ledger
      .updateTable('deliveries')
      .set({ state: 'running', holder, held_until: HOLD })
      .where('id', '=', (q) =>
        q
          .selectFrom('deliveries')
          .select('id')
          .where('state', 'in', ['queued', 'running'])
          .where(sql<boolean>`(holder IS NULL OR held_until < now())`)
          .where(sql<boolean>`(retry_at IS NULL OR retry_at <= now())`)
          .orderBy('created_at')
          .limit(1)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .executeTakeFirst();
  }

  /** @returns false when it is not this one's any more: cancelled, or taken over. */
  async hold(id: string, holder: string): Promise<boolean> {
    const { numUpdatedRows } = await held(this.#ledger, id, holder)
      .set({ held_until: HOLD })
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /** What was copied and where to go on, in one transaction. @returns false as `hold` does */
  async record(delivery: DeliveryRow, page: CopiedPage): Promise<boolean> {
    const { id, holder } = delivery;
    const { copied, kept, failures, place } = page;
    const bytes = copied.reduce((sum, file) => sum + file.bytes, 0);
    return await this.#ledger.transaction().execute(async (transaction) => {
      const row = await transaction
        .updateTable('deliveries')
        .set({
          files_done: sql`files_done + ${copied.length}::int`,
          files_kept: sql`files_kept + ${kept}::int`,
          files_failed: sql`files_failed + ${failures.length}::int`,
          bytes_done: sql`bytes_done + ${bytes}::bigint`,
          failures: sql`CASE WHEN jsonb_array_length(failures) < ${MOST_KEPT_FAILURES} THEN failures || ${JSON.stringify(failures.slice(0, MOST_KEPT_FAILURES))}::jsonb ELSE failures END`,
          page: sql`page + 1`,
          place: place === undefined ? null : JSON.stringify(place),
          held_until: HOLD,
          retries: 0,
          error: null,
        })
        .where('id', '=', id)
        .where('holder', '=', holder)
        .where('state', '=', 'running')
        .returning(['page'])
        .executeTakeFirst();
      if (!row) return false;
      if (copied.length > 0)
        await transaction
          .insertInto('delivery_pages')
          .values({ delivery_id: id, page: row.page, files: JSON.stringify(copied) })
          .execute();
      return true;
    });
  }

  /** Every file that was copied, in order. */
  async *copiedFiles(id: string): AsyncGenerator<ResultFileEntry> {
    for (let after = 0; ;) {
      const row = await this.#ledger
        .selectFrom('delivery_pages')
        .select(['page', 'files'])
        .where('delivery_id', '=', id)
        .where('page', '>', after)
        .orderBy('page')
        .limit(1)
        .executeTakeFirst();
      if (!row) return;
      yield* row.files;
      after = row.page;
    }
  }

  /** Files that could not be copied make a failed delivery; its manifest stands beside the others. */
  async finish(delivery: DeliveryRow): Promise<void> {
    await this.#end(delivery, {
      state: sql`CASE WHEN files_failed > 0 THEN 'failed' ELSE 'completed' END`,
      error: sql`CASE WHEN files_failed > 0 THEN files_failed || ' of ' || (files_done + files_failed) || ' files could not be copied.' END`,
    });
  }

  async fail(delivery: DeliveryRow, error: string): Promise<void> {
    await this.#end(delivery, { state: 'failed', error });
  }

  /** How often it was given back since its last page; undefined when it is not this one's any more. */
  async retries({ id, holder }: DeliveryRow): Promise<number | undefined> {
    const row = await this.#ledger
      .selectFrom('deliveries')
      .select('retries')
      .where('id', '=', id)
      .where('holder', '=', holder)
      .where('state', '=', 'running')
      .executeTakeFirst();
    return row?.retries;
  }

  /** Gives it back: it is gone on with after `seconds`, by whichever gateway is first. */
  async release({ id, holder }: DeliveryRow, later?: { seconds: number; error: string }): Promise<void> {
    await held(this.#ledger, id, holder)
      .set({
        state: 'queued',
        holder: null,
        ...(later && {
          error: later.error,
          retries: sql`retries + 1`,
          retry_at: sql`now() + make_interval(secs => ${later.seconds})`,
        }),
      })
      .execute();
  }

  /** The pages of one that another gateway has taken over are that one's. */
  async #end({ id, holder }: DeliveryRow, outcome: UpdateObject<Database, 'deliveries'>): Promise<void> {
    await this.#ledger.transaction().execute(async (transaction) => {
      const { numUpdatedRows } = await held(transaction, id, holder)
        .set({ ...outcome, holder: null, finished_at: sql`now()` })
        .executeTakeFirst();
      if (numUpdatedRows === 1n) await deletePages(transaction, id);
    });
  }
}

function held(ledger: Ledger, id: string, holder: string | null) {
  return ledger
    .updateTable('deliveries')
    .where('id', '=', id)
    .where('holder', '=', holder)
    .where('state', '=', 'running');
}

async function deletePages(ledger: Ledger, id: string): Promise<void> {
  await ledger.deleteFrom('delivery_pages').where('delivery_id', '=', id).execute();
}

export const placeText = ({ bucket, prefix }: Pick<Destination, 'bucket' | 'prefix'>): string =>
  `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: row.id,
    job: row.job_id,
    target: row.target,
    to: placeText(row),
    state: row.state,
    files: {
      total: row.files_total,
      done: row.files_done,
      kept: row.files_kept,
      failed: row.files_failed,
    },
    bytes: { total: Number(row.bytes_total), done: Number(row.bytes_done) },
    error: row.error,
    failures: row.failures,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
  };
}
