import { jetstream, jetstreamManager, DeliverPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { logPieceSchema, type LogPiece } from '../../shared/contracts/messages.ts';
import { logSubject } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

const FETCH_MS = 2_000;

/** What LOGS still holds of an attempt that runs: pieces at byte offsets, in order. */
export class LogBuffer {
  readonly #nats: NatsConnection;
  readonly #log: Logger;

  constructor(nats: NatsConnection, log: Logger) {
    this.#nats = nats;
    this.#log = log;
  }

  /** Pieces of one attempt that are stored now. */
  async read(jobId: string, taskId: string, attempt: string): Promise<LogPiece[]> {
    const stream = STREAMS.logs.name;
    const subject = logSubject(jobId, taskId);
    const manager = await jetstreamManager(this.#nats, { checkAPI: false });
    const { state } = await manager.streams.info(stream, { subjects_filter: subject });
    const stored = state.subjects?.[subject] ?? 0;
    if (stored === 0) return [];
    const consumer = await jetstream(this.#nats).consumers.get(stream, {
      filter_subjects: subject,
      deliver_policy: DeliverPolicy.All,
    });
    const pieces: LogPiece[] = [];
    try {
      for await (const message of await consumer.fetch({ max_messages: stored, expires: FETCH_MS })) {
        const piece = this.parse(message.data, message.subject);
        if (piece?.attempt === attempt) pieces.push(piece);
        if (message.info.pending === 0) break;
      }
    } finally {
      await consumer.delete();
    }
    return pieces;
  }

  /** When the last piece about a task came; undefined: none is kept. */
  async lastAt(jobId: string, taskId: string): Promise<Date | undefined> {
    const manager = await jetstreamManager(this.#nats, { checkAPI: false });
    const message = await manager.streams.getMessage(STREAMS.logs.name, {
      last_by_subj: logSubject(jobId, taskId),
    });
    return message?.time;
  }

  /** @returns undefined, and says so in the log, when a piece cannot be read. */
  parse(data: Uint8Array, subject: string): LogPiece | undefined {
    try {
      return decodeMessage(logPieceSchema, data, 'A piece of a log');
    } catch (error) {
      this.#log.warn({ subject, error: messageOf(error) }, 'an unreadable piece of a log');
      return undefined;
    }
  }
}
