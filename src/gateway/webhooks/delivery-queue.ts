import { sql } from 'kysely';
import type { TryReport } from '../../shared/contracts/webhook-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { secondsUntilRetry } from './retry-schedule.ts';

/** Tries of one webhook at once, over all gateways: a receiver that hangs keeps the others from nothing. */
const MOST_OF_ONE_WEBHOOK = 4;
/** A try lasts a quarter of that at most; if its gateway died, another one tries again after this. */
const CLAIM_SECONDS = 60;
const KEPT_TRIES = 10;

export interface DueDelivery {
  key: string;
  claim: string;
  webhookId: string;
  eventId: string;
  body: string;
  url: string;
  /** Sealed: one, or two after a rotation. */
  secrets: Buffer[];
  failures: number;
}

interface ClaimedRow {
  key: string;
  webhook_id: string;
  event_id: string;
  body: string;
  url: string;
  secret: Buffer;
  previous_secret: Buffer | null;
  failures: number;
}

/** Deliveries that are due, shared by all gateways: each is claimed by one of them, for a while. */
export class DeliveryQueue {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Claims up to `most` deliveries that are due, the longest due of each webhook first. */
  async claim(most: number): Promise<DueDelivery[]> {
    const claim = newId('c');
    const { rows } = await sql<ClaimedRow>`
      WITH free AS (
        SELECT w.id, ${MOST_OF_ONE_WEBHOOK} - (
          SELECT count(*) FROM webhook_deliveries b
          WHERE b.webhook_id = w.id AND b.state = 'pending' AND b.claim IS NOT NULL AND b.next_at > now()
        ) AS tries
        FROM webhooks w
        WHERE NOT w.paused AND EXISTS (SELECT FROM webhook_deliveries d
          WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_at <= now())
        FOR UPDATE OF w SKIP LOCKED
      ), due AS (
        SELECT d.key FROM free CROSS JOIN LATERAL (
          SELECT d.key FROM webhook_deliveries d
          WHERE d.webhook_id = free.id AND d.state = 'pending' AND d.next_at <= now()
          ORDER BY d.next_at LIMIT GREATEST(free.tries, 0) FOR UPDATE OF d SKIP LOCKED
        ) d LIMIT ${most}
      )
      UPDATE webhook_deliveries d SET claim = ${claim}, next_at = now() + make_interval(secs => ${CLAIM_SECONDS})
      FROM due, webhooks w, webhook_events e
      WHERE d.key = due.key AND w.id = d.webhook_id AND e.id = d.event_id
      RETURNING d.key, d.webhook_id, d.event_id, d.failures, e.body, w.url,
        w.secret, CASE WHEN w.previous_until > now() THEN w.previous_secret END AS previous_secret
    `.execute(this.#ledger);
    return rows.map((row) => ({
      key: row.key,
      claim,
      webhookId: row.webhook_id,
      eventId: row.event_id,
      body: row.body,
      url: row.url,
      secrets: row.previous_secret === null ? [row.secret] : [row.secret, row.previous_secret],
      failures: row.failures,
    }));
  }

  /** Gives back what was claimed and not tried: it is due at once. */
  async giveBack({ key, claim }: DueDelivery): Promise<void> {
    await sql`UPDATE webhook_deliveries SET claim = NULL, next_at = now()
      WHERE key = ${key} AND claim = ${claim} AND state = 'pending'`.execute(this.#ledger);
  }

  /** Writes down how a try went, and when the next one is due. What was claimed by another since is left alone. */
  async finish(delivery: DueDelivery, report: TryReport): Promise<'delivered' | 'retried' | 'failed'> {
    if (report.error === null) {
      await this.#record(delivery, report, sql`'delivered'`, 0, undefined);
      await sql`UPDATE webhooks SET last_delivered_at = now(), failing_since = NULL, last_error = NULL
        WHERE id = ${delivery.webhookId}`.execute(this.#ledger);
      return 'delivered';
    }
    const failures = delivery.failures + 1;
    const wait = secondsUntilRetry(failures);
    const state = wait === undefined ? sql`'failed'` : sql`'pending'`;
    await this.#record(delivery, report, state, failures, wait);
    await sql`UPDATE webhooks SET failing_since = COALESCE(failing_since, now()), last_error = ${report.error}
      WHERE id = ${delivery.webhookId}`.execute(this.#ledger);
    return wait === undefined ? 'failed' : 'retried';
  }

  async #record(
    { key, claim }: DueDelivery,
    report: TryReport,
    state: ReturnType<typeof sql>,
    failures: number,
    waitSeconds: number | undefined,
  ): Promise<void> {
    await sql`
      UPDATE webhook_deliveries SET state = ${state}, failures = ${failures}, claim = NULL,
        next_at = now() + make_interval(secs => ${waitSeconds ?? 0}::float8),
        ended_at = CASE WHEN ${waitSeconds === undefined} THEN now() END,
        tries = CASE WHEN jsonb_array_length(tries) >= ${KEPT_TRIES} THEN tries - 0 ELSE tries END
          || ${JSON.stringify([report])}::jsonb
      WHERE key = ${key} AND claim = ${claim}`.execute(this.#ledger);
  }
}
