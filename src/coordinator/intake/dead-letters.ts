import type { NatsConnection } from 'nats';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { DeadLetter } from '../../shared/contracts/messages.ts';
import { deadSubject } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf, type InputIssue } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';

const EXCERPT_BYTES = 4_096;

type DeadKind = Parameters<typeof deadSubject>[0];

/** Keeps what could not be understood, with the reason, where people find it: `dead.<what>.<reason>`. */
export class DeadLetters {
  readonly #jetstream: JetStreamClient;
  readonly #log: Logger;

  constructor(connection: NatsConnection, log: Logger) {
    this.#jetstream = jetstream(connection);
    this.#log = log;
  }

  /**
   * Resolves when the letter is stored.
   * @param once the same text again within two minutes is stored once: a redelivery makes no second letter.
   */
  async bury(
    what: DeadKind,
    reason: string,
    original: { subject: string; data: Uint8Array; once: string },
    error: unknown,
  ): Promise<void> {
    const letter: DeadLetter = {
      version: 1,
      subject: original.subject,
      reason: messageOf(error).slice(0, 2_000),
      errors: [...issuesOf(error)],
      excerpt: Buffer.from(original.data.subarray(0, EXCERPT_BYTES)).toString('base64'),
      bytes: original.data.byteLength,
      at: new Date().toISOString(),
    };
    this.#log.warn(
      { subject: original.subject, what, reason, error: letter.reason },
      'a message was refused',
    );
    await this.#jetstream.publish(deadSubject(what, reason), encodeMessage(letter), {
      msgID: original.once,
      timeout: 5_000,
    });
  }
}

export function issuesOf(error: unknown): readonly InputIssue[] {
  return error instanceof FarmError ? error.issues : [];
}
