import type { NatsConnection } from 'nats';
import {
  batchReplySchema,
  type BatchReply,
  type BatchRequest,
  type BatchSubmission,
} from '../../shared/contracts/batch.ts';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isNoAnswer } from './no-answer.ts';

const TIMEOUT_MS = 10_000;

/** Hands batches to a coordinator, which answers once the ledger has what was asked for. */
export class BatchClient {
  readonly #nats: NatsConnection;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /** @throws FarmError `invalid`, `conflict`, `not-found` as the coordinator says, `unavailable` when none answers. */
  async ask(request: BatchRequest): Promise<BatchSubmission> {
    const reply = await this.#request(request);
    if ('batch' in reply) return reply;
    throw new FarmError(reply.code, reply.message, { issues: reply.errors });
  }

  async #request(request: BatchRequest): Promise<BatchReply> {
    try {
      const message = await this.#nats.request(SUBJECTS.jobsBatch, encodeMessage(request), {
        timeout: TIMEOUT_MS,
      });
      return decodeMessage(batchReplySchema, message.data, 'The answer about a batch');
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      throw new FarmError(
        'unavailable',
        'No coordinator answered, so it is not known whether this was done. Ask again: the same id or idempotencyKey ' +
          'makes that safe.',
        { cause: error },
      );
    }
  }
}
