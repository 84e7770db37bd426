import type { NatsConnection } from 'nats';
import type { z } from 'zod';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import {
  inputsReplySchema,
  resumeReplySchema,
  type InputsReply,
  type InputsRequest,
  type ResumeReply,
  type ResumeRequest,
} from '../../shared/contracts/messages.ts';
import { askSubject, type AskTopic } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';

const TIMEOUT_MS = 5_000;

/** Questions to the coordinators. Each is asked until it is answered: without the answer the work cannot go on rightly. */
export class FarmAsks {
  readonly #connection: NatsConnection;
  readonly #workerId: string;
  readonly #log: Logger;

  constructor(connection: NatsConnection, workerId: string, log: Logger) {
    this.#connection = connection;
    this.#workerId = workerId;
    this.#log = log;
  }

  /** Which of these frames are still wanted from this attempt. @throws the signal's reason */
  resume(request: ResumeRequest, signal: AbortSignal): Promise<Extract<ResumeReply, { wanted: unknown }>> {
    return this.#ask('resume', request, resumeReplySchema, signal);
  }

  /** A page of a step's accepted frames. @throws the signal's reason */
  inputs(request: InputsRequest, signal: AbortSignal): Promise<Extract<InputsReply, { files: unknown }>> {
    return this.#ask('inputs', request, inputsReplySchema, signal);
  }

  async #ask<T extends object>(
    topic: AskTopic,
    request: unknown,
    schema: z.ZodType<T | { error: string }>,
    signal: AbortSignal,
  ): Promise<T> {
    const subject = askSubject(this.#workerId, topic);
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        const answer = await this.#connection.request(subject, encodeMessage(request), {
          timeout: TIMEOUT_MS,
        });
        const reply = decodeMessage(schema, answer.data, `The answer to "${topic}"`);
        if (!('error' in reply)) return reply;
        throw new FarmError('unavailable', reply.error);
      } catch (error) {
        this.#log.warn(
          { topic, tries: tries + 1, reason: messageOf(error) },
          'the farm did not answer; asking again',
        );
        await pause(backOffMs(tries), signal);
      }
    }
  }
}
