import type { Selectable } from 'kysely';
import { isIP } from 'node:net';
import type { DeliveryBody, Target, TargetBody } from '../../shared/contracts/delivery-api.ts';
import { prefixSchema } from '../../shared/contracts/delivery-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { DeliveryTargetsTable } from '../../shared/database/delivery-tables.ts';
import { FarmError, InvalidInputError, describeValue } from '../../shared/domain/errors.ts';
import { hostOf, isPublicHost } from './public-address.ts';
import type { SecretBox } from './secret-box.ts';

/** A target with the key that opens it. */
export interface OpenTarget extends Omit<Target, 'createdBy' | 'createdAt'> {
  secretAccessKey: string;
}

/** A place in a target's bucket. */
export interface Destination {
  target: string;
  bucket: string;
  prefix: string;
}

/** Places outside of the farm that its operator has opened for deliveries. */
export class TargetStore {
  readonly #ledger: Ledger;
  readonly #box: SecretBox;

  constructor(ledger: Ledger, box: SecretBox) {
    this.#ledger = ledger;
    this.#box = box;
  }

  /** By name, without their secrets. */
  async list(): Promise<Target[]> {
    const rows = await this.#ledger.selectFrom('delivery_targets').selectAll().orderBy('name').execute();
    return rows.map(toTarget);
  }

  /**
   * Stores a target, or a new key for it.
   * @throws InvalidInputError for a private address or plain http that was not allowed
   */
  async put(name: string, body: TargetBody, by: string): Promise<void> {
    assertReachable(body);
    const { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, allowPrivate } = body;
    const row = {
      endpoint: new URL(endpoint).origin,
      region,
      bucket,
      prefix,
      access_key_id: accessKeyId,
      secret: this.#box.seal(secretAccessKey, name),
      allow_private: allowPrivate,
      created_by: by,
    };
    await this.#ledger
      .insertInto('delivery_targets')
      .values({ name, ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
  }

  /** @throws FarmError `not-found` */
  async remove(name: string): Promise<void> {
    const gone = await this.#ledger
      .deleteFrom('delivery_targets')
      .where('name', '=', name)
      .returning('name')
      .executeTakeFirst();
    if (!gone) throw noSuchTarget(name);
  }

  /** @throws FarmError `not-found`, or `conflict` when its secret cannot be read any more */
  async open(name: string): Promise<OpenTarget> {
    const row = await this.#ledger
      .selectFrom('delivery_targets')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    if (!row) throw noSuchTarget(name);
    const secretAccessKey = this.#box.open(row.secret, name);
    if (secretAccessKey === undefined)
      throw new FarmError(
        'conflict',
        `The secret of target ${name} was stored under another S3 key of the farm and cannot be read; store it again with ./farmhand target add ${name}.`,
      );
    return { ...toTarget(row), secretAccessKey };
  }

  /**
   * The target that leads to `s3://bucket/prefix`.
   * @throws InvalidInputError for an address that is none, FarmError `not-found` where none leads there, `conflict` where
   *   several do
   */
  async find({
    to,
    target,
    endpoint,
  }: Pick<DeliveryBody, 'to' | 'target' | 'endpoint'>): Promise<Destination> {
    const { bucket, prefix } = parseAddress(to);
    const origin = endpoint === undefined ? undefined : originOf(endpoint);
    const found = (await this.list()).filter(
      (each) =>
        leadsTo(each, { bucket, prefix }) &&
        (target === undefined || each.name === target) &&
        (origin === undefined || each.endpoint === origin),
    );
    const [only, ...others] = found;
    if (only === undefined)
      throw new FarmError(
        'not-found',
        `No target of this farm leads to s3://${bucket}/${prefix}${target === undefined ? '' : ` by the name ${target}`}${origin === undefined ? '' : ` at ${origin}`}. Its operator stores one: ./farmhand target add NAME s3://${bucket} --endpoint URL --access-key-id ID --secret-file FILE.`,
      );
    if (others.length > 0)
      throw new FarmError(
        'conflict',
        `Several targets lead to s3://${bucket}/${prefix}: ${found.map(({ name }) => name).join(', ')}. Say which one: --target NAME.`,
      );
    return { target: only.name, bucket, prefix };
  }
}

/** Whether a place is in the target's bucket and under its prefix. */
export function leadsTo(
  target: Pick<Target, 'bucket' | 'prefix'>,
  { bucket, prefix }: Pick<Destination, 'bucket' | 'prefix'>,
): boolean {
  return target.bucket === bucket && (target.prefix === '' || `${prefix}/`.startsWith(`${target.prefix}/`));
}

function toTarget(row: Selectable<DeliveryTargetsTable>): Target {
  return {
    name: row.name,
    endpoint: row.endpoint,
    region: row.region,
    bucket: row.bucket,
    prefix: row.prefix,
    accessKeyId: row.access_key_id,
    allowPrivate: row.allow_private,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
  };
}

/** Names are looked up when something is delivered. */
function assertReachable({ endpoint, allowPrivate }: TargetBody): void {
  const url = new URL(endpoint);
  const remedy = 'or `allowPrivate`, by which the operator says that this place is meant';
  const expected =
    url.username !== '' || url.pathname !== '/' || url.search !== ''
      ? 'the address of an S3 server alone, such as https://s3.eu-central-1.amazonaws.com'
      : allowPrivate
        ? undefined
        : url.protocol !== 'https:'
          ? `https, ${remedy}`
          : isIP(hostOf(url)) !== 0 && !isPublicHost(hostOf(url))
            ? `a public address, ${remedy}`
            : undefined;
  if (expected !== undefined)
    throw new InvalidInputError('The target', [
      { path: 'endpoint', value: describeValue(url.origin), expected },
    ]);
}

function parseAddress(to: string): { bucket: string; prefix: string } {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(to);
  const prefix = (match?.[2] ?? '').replace(/\/$/, '');
  if (match?.[1] !== undefined && prefixSchema.safeParse(prefix).success) return { bucket: match[1], prefix };
  throw new InvalidInputError('The request', [
    { path: 'to', value: describeValue(to), expected: 's3://bucket or s3://bucket/prefix' },
  ]);
}

function originOf(endpoint: string): string {
  if (URL.canParse(endpoint)) return new URL(endpoint).origin;
  throw new InvalidInputError('The request', [
    { path: 'endpoint', value: describeValue(endpoint), expected: 'the address of an S3 server' },
  ]);
}

function noSuchTarget(name: string): FarmError {
  return new FarmError('not-found', `There is no target ${name}. ./farmhand target lists those there are.`);
}
