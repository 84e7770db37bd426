import { createHash } from 'node:crypto';
import type { NatsConnection } from 'nats';
import type { JsMsg } from '@nats-io/jetstream';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { isDataError } from '../ledger/data-error.ts';
import { DurableReader } from '../runtime/durable-reader.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';
import { issuesOf, type DeadLetters } from './dead-letters.ts';
import { documentId } from './decode-job.ts';
import type { Submissions } from './submission.ts';

const RETRY_DELAY_MS = 2_000;
/** A document that fails for no known reason so often is a defect, and must not block the others for ever. */
const MAX_UNEXPECTED = 5;

/** Codes that are the sender's doing: said, buried, never tried again. */
const REFUSALS = new Set(['invalid', 'too-large', 'conflict', 'refused']);

/** Job documents published on `jobs`. Acknowledged when the ledger has the job, or when the refusal has been said. */
export class JobIntake {
  readonly #submissions: Submissions;
  readonly #announcer: Announcer;
  readonly #deadLetters: DeadLetters;
  readonly #log: Logger;
  readonly #reader: DurableReader;

  constructor(
    parts: { submissions: Submissions; announcer: Announcer; deadLetters: DeadLetters },
    connection: NatsConnection,
    guard: StreamGuard,
    log: Logger,
  ) {
    this.#submissions = parts.submissions;
    this.#announcer = parts.announcer;
    this.#deadLetters = parts.deadLetters;
    this.#log = log;
    this.#reader = new DurableReader(
      connection,
      guard,
      {
        stream: STREAMS.jobs.name,
        durable: 'coordinators',
        filter: SUBJECTS.jobs,
        batch: 16,
        lingerMs: 0,
        handle: async (messages) => {
          await Promise.all(messages.map((message) => this.#take(message)));
        },
      },
      log,
    );
  }

  start(): void {
    this.#reader.start();
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
  }

  async #take(message: JsMsg): Promise<void> {
    try {
      const messageId = message.headers?.get('Nats-Msg-Id');
      await this.#submissions.submit(message.data, {
        jobId: jobIdOf(message),
        ...(messageId ? { messageId } : {}),
      });
      message.ack();
    } catch (error) {
      if (error instanceof FarmError && REFUSALS.has(error.code))
        await this.#refuse(message, error, error.code);
      else if (isDataError(error)) await this.#refuse(message, error, 'invalid');
      else if (isOutage(error) || message.info.deliveryCount < MAX_UNEXPECTED) {
        this.#log.warn({ error: messageOf(error) }, 'a job could not be taken; it is tried again');
        message.nak(RETRY_DELAY_MS);
      } else await this.#refuse(message, error, 'internal');
    }
  }

  async #refuse(message: JsMsg, error: unknown, reason: string): Promise<void> {
    await this.#deadLetters.bury(
      'jobs',
      reason,
      { subject: message.subject, data: message.data, once: jobIdOf(message) },
      error,
    );
    const id = documentId(message.data);
    if (id !== undefined) {
      const errors = issuesOf(error);
      await this.#announcer.say(id, {
        type: 'refused',
        jobId: id,
        errors:
          errors.length > 0
            ? [...errors]
            : [{ path: '', value: 'the document', expected: messageOf(error).slice(0, 500) }],
      });
    }
    message.ack();
  }
}

/**
 * The id of a job whose document brings none: the same for every delivery of one stored message, and another one after
 * the stream was made anew and counts from 1 again. Sorts by the time of publishing.
 */
function jobIdOf(message: JsMsg): string {
  const { timestampNanos, streamSequence } = message.info;
  const milliseconds = Math.floor(timestampNanos / 1_000_000);
  const hash = createHash('sha256').update(`${timestampNanos}/${streamSequence}`).digest('hex').slice(0, 12);
  return `j${milliseconds.toString(36).padStart(9, '0')}${hash}`;
}

/** Postgres or S3 is away: not the document's fault. */
export function isOutage(error: unknown): boolean {
  if (error instanceof FarmError) return error.code === 'unavailable';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // Classes of SQLSTATE: 08 connection, 53 resources, 57 operator intervention; and errors of the socket.
  return (
    /^(08|53|57)...$/.test(code) ||
    /^E[A-Z]+$/.test(code) ||
    /connect|terminat|timeout/i.test(messageOf(error))
  );
}
