import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import type { Ledger } from '../database/connect.ts';
import { messageOf } from '../domain/errors.ts';

/** Resolves when the thing is usable, else rejects with the reason. */
export type HealthCheck = () => Promise<unknown>;

export interface Health {
  ok: boolean;
  /** `ok`, or why not, by the check's name. */
  checks: Record<string, string>;
}

/** Runs all checks at once; one that does not answer in time counts as failed. */
export async function checkHealth(
  checks: Readonly<Record<string, HealthCheck>>,
  timeoutMs = 3_000,
): Promise<Health> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await outcome(check, timeoutMs)] as const),
  );
  return { ok: results.every(([, result]) => result === 'ok'), checks: Object.fromEntries(results) };
}

async function outcome(check: HealthCheck, timeoutMs: number): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${timeoutMs} ms`), timeoutMs);
  });
  try {
    return await Promise.race([check().then(() => 'ok'), late]);
  } catch (error) {
    return messageOf(error) || 'failed';
  } finally {
    clearTimeout(timer);
  }
}

export const ledgerCheck =
  (ledger: Ledger): HealthCheck =>
  () =>
    sql`SELECT 1 FROM jobs LIMIT 1`.execute(ledger);

/** The stream exists and its server has a leader for it; a plain ping would pass while JetStream is shut down. */
export const streamCheck =
  (connection: NatsConnection, stream: string): HealthCheck =>
  async () => {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    return manager.streams.info(stream);
  };

export const bucketCheck =
  (s3: S3Client, bucket: string): HealthCheck =>
  () =>
    s3.send(new HeadBucketCommand({ Bucket: bucket }));
