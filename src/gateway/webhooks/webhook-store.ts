import { sql, type Selectable } from 'kysely';
import { EVENT_TYPES } from '../../shared/contracts/events.ts';
import {
  MAX_WEBHOOKS,
  type CreatedWebhook,
  type Webhook,
  type WebhookRequest,
  type WebhookScope,
  type WebhookUpdate,
} from '../../shared/contracts/webhook-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { WebhooksTable } from '../../shared/database/webhook-tables.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { SecretBox } from '../delivery/secret-box.ts';
import type { AddressRules } from './address-rules.ts';
import { receiverUrl } from './receiver-address.ts';
import { newSecret } from './signature.ts';

const DEFAULT_KEEP_SECONDS = 86_400;

/** All columns but the secrets, which only the sender reads. */
const COLUMNS = [
  'id',
  'url',
  'events',
  'scope',
  'scope_name',
  'created_by',
  'created_at',
  'previous_until',
  'last_delivered_at',
  'failing_since',
  'last_error',
  'paused',
] as const;
type WebhookRow = Pick<Selectable<WebhooksTable>, (typeof COLUMNS)[number]> & {
  pending: string;
  failed: string;
};

/** The webhooks of the farm. Secrets leave it only when they are made. */
export class WebhookStore {
  readonly #ledger: Ledger;
  readonly #rules: AddressRules;
  readonly #box: SecretBox;

  constructor(ledger: Ledger, rules: AddressRules, box: SecretBox) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#box = box;
  }

  /** Oldest first. */
  async list(): Promise<Webhook[]> {
    const rows = await this.#select().orderBy('created_at').orderBy('id').execute();
    return rows.map(toWebhook);
  }

  /** @throws FarmError `not-found` */
  async get(id: string): Promise<Webhook> {
    const row = await this.#select().where('id', '=', id).executeTakeFirst();
    if (!row) throw unknownWebhook(id);
    return toWebhook(row);
  }

  /** @throws FarmError `invalid`, `refused` for the URL, `conflict` for an id that is taken or where there are too many */
  async create(request: WebhookRequest, by: string): Promise<CreatedWebhook> {
    const { href } = receiverUrl(request.url, this.#rules);
    const { id = newId('wh'), events = [...EVENT_TYPES], scope = { kind: 'farm' } } = request;
    const secret = newSecret();
    await this.#ledger.transaction().execute(async (trx) => {
      await sql`SELECT pg_advisory_xact_lock(hashtextextended('webhooks', 0))`.execute(trx);
      const { total } = await trx
        .selectFrom('webhooks')
        .select((expression) => expression.fn.countAll<string>().as('total'))
        .executeTakeFirstOrThrow();
      if (Number(total) >= MAX_WEBHOOKS)
        throw new FarmError(
          'conflict',
          `There are ${total} webhooks, the most that a farm has; remove some.`,
        );
      const taken = await trx.selectFrom('webhooks').select('id').where('id', '=', id).executeTakeFirst();
      if (taken)
        throw new FarmError('conflict', `There is a webhook ${id}; remove it first, or take another id.`);
      await trx
        .insertInto('webhooks')
        .values({
          id,
          url: href,
          events: [...new Set(events)],
          scope: scope.kind,
          scope_name: nameOf(scope),
          secret: this.#box.seal(secret, sealedFor(id)),
          created_by: by,
        })
        .execute();
    });
    return { ...(await this.get(id)), secret };
  }

  /**
   * Changes what is given. A new address has not failed yet: what waits is tried there at once.
   * @throws FarmError `not-found`, `refused` for the URL
   */
  async update(id: string, { url, events, paused }: WebhookUpdate): Promise<Webhook> {
    const href = url === undefined ? undefined : receiverUrl(url, this.#rules).href;
    await this.#ledger.transaction().execute(async (trx) => {
      const before = await trx
        .selectFrom('webhooks')
        .select('url')
        .where('id', '=', id)
        .forUpdate()
        .executeTakeFirst();
      if (!before) throw unknownWebhook(id);
      const moved = href !== undefined && href !== before.url;
      await sql`UPDATE webhooks SET url = ${href ?? before.url}, paused = COALESCE(${paused ?? null}::boolean, paused),
        events = COALESCE(${events === undefined ? null : [...new Set(events)]}::text[], events),
        failing_since = CASE WHEN ${moved} THEN NULL ELSE failing_since END,
        last_error = CASE WHEN ${moved} THEN NULL ELSE last_error END
        WHERE id = ${id}`.execute(trx);
      if (moved)
        await sql`UPDATE webhook_deliveries SET next_at = now()
          WHERE webhook_id = ${id} AND state = 'pending' AND (claim IS NULL OR next_at <= now())`.execute(
          trx,
        );
    });
    return this.get(id);
  }

  /** Takes it away with its log; what is being delivered this moment may still arrive. @throws FarmError `not-found` */
  async remove(id: string): Promise<void> {
    const { numDeletedRows } = await this.#ledger
      .deleteFrom('webhooks')
      .where('id', '=', id)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw unknownWebhook(id);
  }

  /**
   * A new secret; bodies are signed with the old one, too, for a while. The one before that counts no more.
   * @throws FarmError `not-found`
   */
  async rotate(id: string, keepSeconds = DEFAULT_KEEP_SECONDS): Promise<CreatedWebhook> {
    const secret = newSecret();
    const { rows } = await sql`
      UPDATE webhooks SET previous_secret = secret, secret = ${this.#box.seal(secret, sealedFor(id))},
        previous_until = now() + make_interval(secs => ${keepSeconds}::float8)
      WHERE id = ${id} RETURNING id`.execute(this.#ledger);
    if (rows.length === 0) throw unknownWebhook(id);
    return { ...(await this.get(id)), secret };
  }

  #select() {
    return this.#ledger
      .selectFrom('webhooks')
      .select(COLUMNS)
      .select((expression) => [
        countOf(expression.ref('webhooks.id'), 'pending').as('pending'),
        countOf(expression.ref('webhooks.id'), 'failed').as('failed'),
      ]);
  }
}

/** What a webhook's secret is bound to. */
export const sealedFor = (webhookId: string): string => `webhook:${webhookId}`;

const countOf = (id: unknown, state: 'pending' | 'failed') =>
  sql<string>`(SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = ${id} AND d.state = ${sql.lit(state)})`;

export const unknownWebhook = (id: string): FarmError =>
  new FarmError('not-found', `There is no webhook ${id}; ./farmhand webhooks lists them.`);

function nameOf(scope: WebhookScope): string {
  if (scope.kind === 'project') return scope.project;
  return scope.kind === 'job' ? scope.job : '';
}

function scopeOf(row: Pick<WebhookRow, 'scope' | 'scope_name'>): WebhookScope {
  if (row.scope === 'project') return { kind: 'project', project: row.scope_name };
  if (row.scope === 'job') return { kind: 'job', job: row.scope_name };
  return { kind: row.scope };
}

function toWebhook(row: WebhookRow): Webhook {
  return {
    id: row.id,
    url: withoutQuery(row.url),
    events: row.events,
    scope: scopeOf(row),
    paused: row.paused,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    previousSecretUntil:
      row.previous_until !== null && row.previous_until > new Date()
        ? row.previous_until.toISOString()
        : null,
    lastDeliveredAt: row.last_delivered_at?.toISOString() ?? null,
    failing:
      row.failing_since === null
        ? null
        : { since: row.failing_since.toISOString(), error: row.last_error ?? '' },
    pending: Number(row.pending),
    failed: Number(row.failed),
  };
}

function withoutQuery(text: string): string {
  const url = new URL(text);
  return url.search === '' ? text : `${url.origin}${url.pathname}?…`;
}
