import type { NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { submitReplySchema, type SubmitReply } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { isNoAnswer } from './no-answer.ts';

const SUBMIT_TIMEOUT_MS = 10_000;

export type Submitted = Extract<SubmitReply, { existing: boolean }>;

/** Hands job documents to a coordinator, which answers once the ledger has the job. */
export class JobSubmitter {
  readonly #nats: NatsConnection;

  constructor(nats: NatsConnection) {
    this.#nats = nats;
  }

  /**
   * @param document the bytes as they came; the coordinator checks them.
   * @throws FarmError `invalid`, `conflict`, `too-large` as the coordinator says, `unavailable` when none answers.
   */
  async submit(document: Uint8Array): Promise<Submitted> {
    const reply = await this.#ask(document);
    if ('existing' in reply) return reply;
    throw new FarmError(reply.code, reply.message, { issues: reply.errors });
  }

  async #ask(document: Uint8Array): Promise<SubmitReply> {
    try {
      const message = await this.#nats.request(SUBJECTS.jobsSubmit, document, { timeout: SUBMIT_TIMEOUT_MS });
      return decodeMessage(submitReplySchema, message.data, 'The answer to a submission');
    } catch (error) {
      if (!isNoAnswer(error)) throw error;
      throw new FarmError(
        'unavailable',
        'No coordinator answered, so it is not known whether the job was taken. Send it again: the same id or ' +
          'idempotencyKey makes that safe.',
        { cause: error },
      );
    }
  }
}
