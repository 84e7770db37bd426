import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { heartbeatSchema, type Heartbeat } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

const READ_WITHIN_MS = 2_000;

/**
 * What the workers said last that the ledger believes to be there, whether or not this process has heard them: a new leader
 * learns so what those have in hand that died before it came. The stream has each worker's last heartbeat; where it was
 * lost, the ledger's copy is some seconds older.
 */
export async function recallWorkers(
  ledger: Ledger,
  connection: NatsConnection,
  log: Logger,
): Promise<Heartbeat[]> {
  const rows = await ledger
    .selectFrom('workers')
    .select(['id', 'heartbeat'])
    .where('state', '=', 'online')
    .execute();
  if (rows.length === 0) return [];
  let spoken = new Map<string, Heartbeat>();
  try {
    spoken = await storedHeartbeats(connection);
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'the last heartbeats could not be read; the ledger has older ones');
  }
  return rows.map(({ id, heartbeat }) => spoken.get(id) ?? heartbeat);
}

async function storedHeartbeats(connection: NatsConnection): Promise<Map<string, Heartbeat>> {
  const consumer = await jetstream(connection).consumers.get(STREAMS.statusLive.name, {
    filter_subjects: [SUBJECTS.statusWorkerAll],
  });
  const spoken = new Map<string, Heartbeat>();
  const { num_pending: stored } = await consumer.info();
  if (stored === 0) return spoken;
  const messages = await consumer.fetch({ max_messages: stored, expires: READ_WITHIN_MS });
  for await (const message of messages) {
    const heartbeat = decodeMessage(heartbeatSchema, message.data, 'The heartbeat');
    spoken.set(heartbeat.workerId, heartbeat);
    if (message.info.pending === 0) break;
  }
  return spoken;
}
