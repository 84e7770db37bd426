import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import { MOST_LISTED_FRAMES, type EventFrame } from '../../shared/contracts/events.ts';
import type { Database } from '../../shared/database/schema.ts';
import { toFarmEvent, type NoticedEvent } from '../events/notice-events.ts';
import { WebhookTargets } from './webhook-targets.ts';

export type LedgerTransaction = Transaction<Database>;

/** An event with what tells it from others of its kind: a place in the stream, or nothing where its time does. */
export type PlacedEvent = NoticedEvent & { place: string };

/**
 * Stores events with a delivery for each webhook that is to hear of them. What is stored already, because it was noticed
 * before or in another way, stays as it is.
 * @returns deliveries that are new
 */
export async function recordEvents(trx: LedgerTransaction, events: readonly PlacedEvent[]): Promise<number> {
  if (events.length === 0) return 0;
  const targets = await WebhookTargets.read(
    trx,
    events.map(({ job }) => job.id),
  );
  const stored = { id: [] as string[], type: [] as string[], job: [] as string[], body: [] as string[] };
  const deliveries = { webhook: [] as string[], event: [] as string[] };
  for (const event of events) {
    const webhooks = targets.of(event.type, new Date(event.at), event.job);
    if (webhooks.length === 0) continue;
    const listed = event.frames?.listed === null ? await framesIn(trx, event) : [];
    const id = eventId(event);
    stored.id.push(id);
    stored.type.push(event.type);
    stored.job.push(event.job.id);
    stored.body.push(JSON.stringify(toFarmEvent(event, listed)));
    for (const webhook of webhooks) {
      deliveries.webhook.push(webhook);
      deliveries.event.push(id);
    }
  }
  if (stored.id.length === 0) return 0;
  await sql`
    INSERT INTO webhook_events (id, type, job_id, body)
    SELECT * FROM unnest(${stored.id}::text[], ${stored.type}::text[], ${stored.job}::text[], ${stored.body}::text[])
    ON CONFLICT (id) DO NOTHING`.execute(trx);
  const { rows } = await sql`
    INSERT INTO webhook_deliveries (webhook_id, event_id)
    SELECT n.webhook, n.event FROM unnest(${deliveries.webhook}::text[], ${deliveries.event}::text[]) AS n(webhook, event)
    JOIN webhooks w ON w.id = n.webhook
    ON CONFLICT (webhook_id, event_id) DO NOTHING RETURNING key`.execute(trx);
  return rows.length;
}

/** The same for the same occurrence, however often and by whomever it is noticed. */
function eventId({ type, at, job, place }: PlacedEvent): string {
  const digest = createHash('sha256').update(JSON.stringify([type, job.id, at, place]));
  return `evt_${digest.digest('hex').slice(0, 32)}`;
}

/** The first frames of a job that are failed or held, by step and number. */
async function framesIn(trx: LedgerTransaction, { type, job }: NoticedEvent): Promise<EventFrame[]> {
  const state = type === 'frame.failed' ? 'failed' : 'held';
  const { rows } = await sql<EventFrame>`
    SELECT s.name AS step, f.number, f.generation, f.worker, COALESCE(f.error, s.hold_reason) AS error
    FROM steps s CROSS JOIN LATERAL (
      SELECT * FROM frames f
      WHERE f.step_key = s.key AND f.state IN ('failed', 'held') AND f.state = ${state}
      ORDER BY f.number LIMIT ${MOST_LISTED_FRAMES}
    ) f
    WHERE s.job_id = ${job.id} ORDER BY s.position, f.number LIMIT ${MOST_LISTED_FRAMES}`.execute(trx);
  return rows;
}
