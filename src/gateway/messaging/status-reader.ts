import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type Consumer,
  type ConsumerConfig,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { SUBJECTS, jobStatusSubject } from '../../shared/contracts/subjects.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

const STREAM = STREAMS.status.name;
const BATCH = 200;
/** How long the server waits for messages before it says that there are none. */
const QUIET_MS = 2_000;
const CHECK_EVERY_MS = 10_000;
const FORGOTTEN_AFTER_NANOS = 60_000 * 1_000_000;

/** Where reading begins. */
export type ReadFrom = { sequence: number } | { time: Date };

/** What of the stream is there. */
export interface StatusRange {
  /** When the stream was made, as the server writes it: one that was made anew counts from 1 again. */
  created: string;
  first: number;
  firstAt: Date;
  last: number;
}

export interface StatusItem {
  sequence: number;
  at: Date;
  subject: string;
  data: Uint8Array;
  /** Messages that come after it and are there already. */
  pending: number;
}

/** @throws errors of NATS when it does not answer or the stream is not there */
export async function statusRange(nats: NatsConnection): Promise<StatusRange> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const { created, state } = await manager.streams.info(STREAM);
  return { created, first: state.first_seq, firstAt: new Date(state.first_ts), last: state.last_seq };
}

/**
 * Words on `status.job.*` in their order from a place on, those that are kept and then those that come, until the signal
 * aborts. Whenever nothing came for two seconds, an item is null. Only what is taken from the iterator is asked for, so that
 * a slow reader holds up nothing but itself.
 * @param jobId only of this job
 * @throws errors of NATS, and when something was left out because the consumer was lost: begin again after the last item.
 */
export async function* readStatuses(
  nats: NatsConnection,
  from: ReadFrom,
  { jobId, signal }: { jobId?: string | undefined; signal: AbortSignal },
): AsyncGenerator<StatusItem | null, void, void> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const name = newId('e');
  await manager.consumers.add(STREAM, {
    name,
    filter_subject: jobId === undefined ? SUBJECTS.statusJobAll : jobStatusSubject(jobId),
    ack_policy: AckPolicy.None,
    mem_storage: true,
    inactive_threshold: FORGOTTEN_AFTER_NANOS,
    ...startOf(from),
  });
  try {
    const consumer = await jetstream(nats).consumers.get(STREAM, name);
    yield* follow(consumer, signal);
  } finally {
    // The server forgets it by itself; where it is gone with its stream there is nothing to delete.
    await manager.consumers.delete(STREAM, name).catch(() => undefined);
  }
}

function startOf(from: ReadFrom): Partial<ConsumerConfig> {
  return 'time' in from
    ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.time.toISOString() }
    : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from.sequence) };
}

async function* follow(
  consumer: Consumer,
  signal: AbortSignal,
): AsyncGenerator<StatusItem | null, void, void> {
  const isOver = (): boolean => signal.aborted;
  let delivered = 0;
  let checkAtMs = performance.now() + CHECK_EVERY_MS;
  while (!isOver()) {
    const messages = await consumer.fetch({ max_messages: BATCH, expires: QUIET_MS });
    const stop = (): void => messages.stop();
    signal.addEventListener('abort', stop);
    let taken = 0;
    try {
      for await (const message of messages) {
        taken++;
        if (message.info.deliverySequence !== ++delivered)
          throw new Error('Messages of the stream were missed');
        yield toItem(message);
        if (isOver()) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
    const ended = await messages.closed();
    if (ended instanceof Error) throw ended;
    if (taken < BATCH && !isOver()) yield null;
    if (performance.now() < checkAtMs) continue;
    checkAtMs = performance.now() + CHECK_EVERY_MS;
    await consumer.info(); // throws where it is gone
  }
}

function toItem(message: JsMsg): StatusItem {
  const { info } = message;
  return {
    sequence: info.streamSequence,
    at: new Date(info.timestampNanos / 1_000_000),
    subject: message.subject,
    data: message.data,
    pending: info.pending,
  };
}
