import type { NatsConnection } from 'nats';
import type { z } from 'zod';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import {
  inputsReplySchema,
  previewDoneReplySchema,
  previewReplySchema,
  resumeReplySchema,
  rootsReplySchema,
  type InputsReply,
  type InputsRequest,
  type PreviewDoneRequest,
  type PreviewReply,
  type PreviewRequest,
  type ResumeReply,
  type ResumeRequest,
  type RootsReply,
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

  /** The shared storage that the farm knows. @throws the signal's reason */
  roots(signal: AbortSignal): Promise<Extract<RootsReply, { roots: unknown }>> {
    return this.#ask('roots', { version: 1 }, rootsReplySchema, signal);
  }

  /** A page of what a preview is made of, or that nobody waits for it. @throws the signal's reason */
  preview(request: PreviewRequest, signal: AbortSignal): Promise<Exclude<PreviewReply, { error: unknown }>> {
    return this.#ask('preview', request, previewReplySchema, signal);
  }

  /** @throws the signal's reason */
  async previewDone(request: PreviewDoneRequest, signal: AbortSignal): Promise<void> {
    await this.#ask('preview-done', request, previewDoneReplySchema, signal);
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
