import type { NatsConnection } from 'nats';
import type { z } from 'zod';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import type { ManageAnswer, Why } from '../../shared/contracts/manage-api.ts';
import {
  manageReplySchema,
  nextReplySchema,
  whyReplySchema,
  type ManageRequest,
  type NextReply,
  type NextRequest,
  type WhyRequest,
} from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isNoAnswer } from './no-answer.ts';

const ANSWER_TIMEOUT_MS = 10_000;
/** The one that feeds the farm has the answer at hand. */
const NEXT_TIMEOUT_MS = 3_000;

/** Asks the coordinators to change what wranglers set, and why a job waits. */
export class FarmManager {
  readonly #nats: NatsConnection;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /** @throws FarmError as the coordinator says; `unavailable` when none answers. */
  async manage(request: ManageRequest): Promise<ManageAnswer> {
    const reply = await this.#ask(
      SUBJECTS.manage,
      request,
      manageReplySchema,
      'No coordinator answered, so it is not known whether this was done. Ask again: with the same requestId it is done once.',
    );
    const { ok, message, dryRun, code = 'invalid', errors = [] } = reply;
    if (!ok) throw new FarmError(code, message, { issues: errors });
    return { requestId: request.requestId, ok, message, ...(dryRun === undefined ? {} : { dryRun }) };
  }

  /** @param jobId of a job that exists. @throws FarmError `unavailable` */
  async why(jobId: string): Promise<Why> {
    const request: WhyRequest = { version: 1, jobId };
    const reply = await this.#ask(
      SUBJECTS.jobsWhy,
      request,
      whyReplySchema,
      'No coordinator answered: without one, nothing is given out to workers at all. ./farmhand status says what runs.',
    );
    if ('error' in reply) throw new FarmError('unavailable', reply.error);
    return reply;
  }

  /** What runs next, at most so many steps. @throws FarmError `unavailable` */
  async next(limit: number): Promise<Exclude<NextReply, { error: string }>> {
    const request: NextRequest = { version: 1, limit };
    const reply = await this.#ask(
      SUBJECTS.jobsNext,
      request,
      nextReplySchema,
      'No coordinator feeds the farm at the moment, so that nothing runs next. It takes some seconds until another one takes over; ./farmhand status says what runs.',
      NEXT_TIMEOUT_MS,
    );
    if ('error' in reply) throw new FarmError('unavailable', reply.error);
    return reply;
  }

  async #ask<T>(
    subject: string,
    request: unknown,
    schema: z.ZodType<T>,
    noAnswer: string,
    timeout = ANSWER_TIMEOUT_MS,
  ): Promise<T> {
    try {
      const message = await this.#nats.request(subject, encodeMessage(request), { timeout });
      return decodeMessage(schema, message.data, 'The answer');
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      throw new FarmError('unavailable', noAnswer, { cause: error });
    }
  }
}
