import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { jetstreamManager } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import type { Ledger } from '../../src/shared/database/connect.ts';
import { isStreamNotFound } from '../../src/shared/messaging/reconcile-streams.ts';
import { STREAMS } from '../../src/shared/messaging/streams.ts';
import { FRAME_STATES } from '../../src/shared/domain/states.ts';
import { messageOf } from '../../src/shared/domain/errors.ts';

export interface OracleView {
  ledger: Ledger;
  s3: S3Client;
  bucket: string;
  /** As the operator or the coordinator. */
  nats: NatsConnection;
}

/** Acks and the last batch of status are on their way for a moment after a job has ended. */
const SETTLE_MS = 10_000;
const PARALLEL_DOWNLOADS = 8;

/**
 * Compares what the farm says with what is there, once its jobs have ended. @returns one sentence for each thing that is
 * wrong; none when every frame has exactly one accepted result whose object is whole, all counts agree, and nothing of
 * the work is left in the ledger or the streams.
 */
export async function findFaults(
  view: OracleView,
  { settleMs = SETTLE_MS }: { settleMs?: number } = {},
): Promise<string[]> {
  const leftOver = await settle(settleMs, () => findLeftOvers(view));
  return [...leftOver, ...(await findWrongCounts(view.ledger)), ...(await findWrongResults(view))];
}

async function settle(settleMs: number, look: () => Promise<string[]>): Promise<string[]> {
  const end = Date.now() + settleMs;
  for (;;) {
    const faults = await look();
    if (faults.length === 0 || Date.now() > end) return faults;
    await sleep(100);
  }
}

async function findLeftOvers({ ledger, nats }: OracleView): Promise<string[]> {
  const faults: string[] = [];
  const jobs = await ledger
    .selectFrom('jobs')
    .select(['id', 'state'])
    .where('state', 'not in', ['completed', 'failed', 'cancelled'])
    .execute();
  faults.push(...jobs.map(({ id, state }) => `job ${id} is still ${state}`));
  const tasks = await ledger
    .selectFrom('tasks')
    .select(['key', 'state', 'job_id'])
    .where('state', '!=', 'ended')
    .execute();
  faults.push(...tasks.map((task) => `task ${task.key} of job ${task.job_id} is still ${task.state}`));
  const attempts = await ledger.selectFrom('attempts').select('id').where('outcome', 'is', null).execute();
  faults.push(...attempts.map(({ id }) => `attempt ${id} has no outcome`));
  return [...faults, ...(await findLeftMessages(nats))];
}

async function findLeftMessages(nats: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(nats);
  const faults: string[] = [];
  try {
    const { state } = await manager.streams.info(STREAMS.tasks.name);
    if (state.messages > 0) faults.push(`${state.messages} messages are left in ${STREAMS.tasks.name}`);
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
    faults.push(`the stream ${STREAMS.tasks.name} is not there`);
  }
  for await (const consumer of manager.consumers.list(STREAMS.status.name))
    if (consumer.config.durable_name !== undefined && consumer.num_pending + consumer.num_ack_pending > 0)
      faults.push(`consumer ${consumer.name} has not handled everything in ${STREAMS.status.name}`);
  return faults;
}

async function findWrongCounts(ledger: Ledger): Promise<string[]> {
  const counted = FRAME_STATES.map(
    (state) => sql`count(*) FILTER (WHERE f.state = ${state}) AS ${sql.ref(`n_${state}`)}`,
  );
  const { rows } = await sql<Record<string, string>>`
    SELECT s.job_id, s.name, s.frame_total, s.frames_expanded, count(f.number) AS n,
      ${sql.join(FRAME_STATES.map((state) => sql.ref(`s.${state}`)))}, ${sql.join(counted)}
    FROM steps s JOIN jobs j ON j.id = s.job_id AND j.erased_at IS NULL LEFT JOIN frames f ON f.step_key = s.key
    GROUP BY s.key`.execute(ledger);
  return rows.flatMap((row) => {
    const where = `step ${row['name']} of job ${row['job_id']}`;
    const faults: string[] = [];
    if (Number(row['n']) !== Number(row['frame_total']))
      faults.push(`${where} has ${row['n']} frames and should have ${row['frame_total']}`);
    for (const state of FRAME_STATES)
      if (Number(row[state]) !== Number(row[`n_${state}`]))
        faults.push(`${where} counts ${row[state]} ${state} frames, and there are ${row[`n_${state}`]}`);
    return faults;
  });
}

interface StoredResult {
  where: string;
  /** The step's engine stores nothing. */
  storesNothing: boolean;
  attempt: string | null;
  attemptKnown: boolean;
  prefix: string;
  key: string | null;
  bytes: string | null;
  sha256: Buffer | null;
}

async function findWrongResults({ ledger, s3, bucket }: OracleView): Promise<string[]> {
  const { rows } = await sql<StoredResult>`
    SELECT s.name || ' ' || f.number || ' of job ' || s.job_id AS "where", s.engine = 'null' AS "storesNothing",
      f.attempt, a.id IS NOT NULL AS "attemptKnown", 'results/' || s.job_id || '/' || s.name || '/' || f.attempt || '/' AS prefix,
      f.object_key AS key, f.bytes, f.sha256
    FROM frames f JOIN steps s ON s.key = f.step_key LEFT JOIN attempts a ON a.id = f.attempt
    WHERE f.state = 'done'
    UNION ALL
    SELECT s.name || ' ' || f.number || ' output ' || o.name || ' of job ' || s.job_id, false, f.attempt, true,
      'results/' || s.job_id || '/' || s.name || '/' || f.attempt || '/', o.object_key, o.bytes, o.sha256
    FROM frame_outputs o JOIN frames f ON f.step_key = o.step_key AND f.number = o.number JOIN steps s ON s.key = f.step_key
    WHERE f.state = 'done'`.execute(ledger);
  const faults: string[] = [];
  const queue = rows.values();
  const work = async (): Promise<void> => {
    for (const row of queue) {
      const fault = await faultOf(row, s3, bucket);
      if (fault !== undefined) faults.push(`frame ${row.where}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_DOWNLOADS }, work));
  return faults;
}

async function faultOf(row: StoredResult, s3: S3Client, bucket: string): Promise<string | undefined> {
  if (row.attempt === null) return 'it is done and no attempt made it';
  if (!row.attemptKnown) return `the ledger knows no attempt ${row.attempt}`;
  if (row.storesNothing)
    return row.key === null ? undefined : `its engine stores nothing, and it has ${row.key}`;
  if (row.key === null || row.sha256 === null) return 'it is done and has no object';
  if (!row.key.startsWith(row.prefix)) return `${row.key} is not under ${row.prefix}`;
  try {
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: row.key }));
    const bytes = (await object.Body?.transformToByteArray()) ?? new Uint8Array();
    if (bytes.byteLength !== Number(row.bytes))
      return `${row.key} has ${bytes.byteLength} bytes and should have ${row.bytes}`;
    if (!createHash('sha256').update(bytes).digest().equals(row.sha256))
      return `${row.key} has another checksum than the ledger says`;
    return undefined;
  } catch (error) {
    return `${row.key} cannot be read: ${messageOf(error)}`;
  }
}
