import { sql } from 'kysely';
import { z } from 'zod';
import type { PingEvent } from '../../shared/contracts/events.ts';
import type {
  DeliveriesPage,
  Delivery,
  DeliveryState,
  TryReport,
} from '../../shared/contracts/webhook-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { decodeCursor, encodeCursor } from '../ledger/cursor.ts';
import { unknownWebhook } from './webhook-store.ts';

const cursorKey = z.tuple([z.string().regex(/^\d{1,18}$/)]);
const deliveryKey = /^d(\d{1,18})$/;

interface DeliveryRow {
  key: string;
  webhook_id: string;
  event_id: string;
  type: string;
  job_id: string | null;
  state: DeliveryState;
  created_at: Date;
  next_at: Date;
  ended_at: Date | null;
  tries: TryReport[];
}

/** What was sent to webhooks, what came of it, and sending it again. Ended deliveries are kept for seven days. */
export class DeliveryLog {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Newest first. @throws FarmError `not-found` for an unknown webhook */
  async list(
    webhookId: string,
    { state, limit, cursor }: { state: readonly DeliveryState[]; limit: number; cursor?: string | undefined },
  ): Promise<DeliveriesPage> {
    await this.#assertThere(webhookId);
    const [before] = decodeCursor(cursorKey, cursor) ?? [];
    const rows = await this.#select()
      .where('d.webhook_id', '=', webhookId)
      .$if(state.length > 0, (query) => query.where('d.state', 'in', state))
      .$if(before !== undefined, (query) => query.where('d.key', '<', before ?? ''))
      .orderBy('d.key', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      deliveries: page.map(toDelivery),
      next: rows.length > limit && last ? encodeCursor([last.key]) : null,
    };
  }

  /**
   * Has one sent again at once, with the id that it had; if it fails, it is tried for a day again.
   * @throws FarmError `not-found`, `conflict` where it is paused
   */
  async redeliver(webhookId: string, deliveryId: string): Promise<Delivery> {
    await this.#assertListens(webhookId);
    const key = deliveryKey.exec(deliveryId)?.[1];
    const { rows } = await sql<{ key: string }>`
      UPDATE webhook_deliveries SET state = 'pending', failures = 0, ended_at = NULL,
        next_at = CASE WHEN claim IS NULL OR next_at <= now() THEN now() ELSE next_at END
      WHERE key = ${key ?? '0'} AND webhook_id = ${webhookId} RETURNING key`.execute(this.#ledger);
    const [found] = rows;
    if (!found)
      throw new FarmError('not-found', `The webhook ${webhookId} has no delivery ${deliveryId} in its log.`);
    return toDelivery(await this.#select().where('d.key', '=', found.key).executeTakeFirstOrThrow());
  }

  /** Puts a `ping` into a webhook's deliveries. @throws FarmError `not-found`, `conflict` where it is paused */
  async ping(webhookId: string): Promise<Delivery> {
    await this.#assertListens(webhookId);
    const event: PingEvent = {
      type: 'ping',
      timestamp: new Date().toISOString(),
      data: { webhook: webhookId },
    };
    const id = newId('evt_');
    const key = await this.#ledger.transaction().execute(async (trx) => {
      await trx
        .insertInto('webhook_events')
        .values({ id, type: event.type, job_id: null, body: JSON.stringify(event) })
        .execute();
      const row = await trx
        .insertInto('webhook_deliveries')
        .values({ webhook_id: webhookId, event_id: id, claim: null, tries: '[]' })
        .returning('key')
        .executeTakeFirstOrThrow();
      return row.key;
    });
    return toDelivery(await this.#select().where('d.key', '=', key).executeTakeFirstOrThrow());
  }

  /** It is there, and not paused: nothing would be sent. */
  async #assertListens(webhookId: string): Promise<void> {
    if (await this.#assertThere(webhookId))
      throw new FarmError(
        'conflict',
        `The webhook ${webhookId} is paused, so that nothing is sent to it; let it go on first.`,
      );
  }

  /** @returns whether it is paused. */
  async #assertThere(webhookId: string): Promise<boolean> {
    const row = await this.#ledger
      .selectFrom('webhooks')
      .select('paused')
      .where('id', '=', webhookId)
      .executeTakeFirst();
    if (!row) throw unknownWebhook(webhookId);
    return row.paused;
  }

  #select() {
    return this.#ledger
      .selectFrom('webhook_deliveries as d')
      .innerJoin('webhook_events as e', 'e.id', 'd.event_id')
      .select([
        'd.key',
        'd.webhook_id',
        'd.event_id',
        'e.type',
        'e.job_id',
        'd.state',
        'd.created_at',
        'd.next_at',
        'd.ended_at',
        'd.tries',
      ]);
  }
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    id: `d${row.key}`,
    webhook: row.webhook_id,
    event: row.event_id,
    type: row.type,
    job: row.job_id,
    state: row.state,
    createdAt: row.created_at.toISOString(),
    nextAt: row.state === 'pending' ? row.next_at.toISOString() : null,
    endedAt: row.ended_at?.toISOString() ?? null,
    tries: row.tries,
  };
}
