import type { Msg, NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { batchRequestSchema, type BatchReply, type BatchSubmission } from '../../shared/contracts/batch.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { issuesOf } from '../intake/dead-letters.ts';
import { isDataError } from '../ledger/data-error.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import type { BatchSubmissions } from './batch-submissions.ts';

type RefusalCode = Extract<BatchReply, { code: unknown }>['code'];

/** Answers requests on `jobs.batch` when the ledger has the batch, or with everything that is wrong with it. */
export class BatchService {
  readonly #submissions: BatchSubmissions;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(submissions: BatchSubmissions, connection: NatsConnection, log: Logger) {
    this.#submissions = submissions;
    this.#log = log;
    const answer = (request: Msg): Promise<BatchReply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.jobsBatch, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(request: Msg): Promise<BatchReply> {
    try {
      return await this.#do(request.data);
    } catch (error) {
      const reply = { code: codeOf(error), message: messageOf(error), errors: [...issuesOf(error)] };
      this.#log.info({ code: reply.code, error: reply.message }, 'a batch was refused');
      return reply;
    }
  }

  async #do(bytes: Uint8Array): Promise<BatchSubmission> {
    const request = decodeMessage(batchRequestSchema, bytes, 'The batch');
    if (request.verb === 'submit') return await this.#submissions.submit(request.document);
    return await this.#submissions.cancel(request.id, request.by ?? 'unknown');
  }
}

function codeOf(error: unknown): RefusalCode {
  if (isDataError(error)) return 'invalid';
  // Postgres is away, or a defect here: either way it may be sent again as it is.
  if (!(error instanceof FarmError)) return 'unavailable';
  const codes: readonly string[] = ['conflict', 'not-found', 'too-large', 'unavailable'];
  return codes.includes(error.code) ? (error.code as RefusalCode) : 'invalid';
}
