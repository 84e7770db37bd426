import type { Msg, NatsConnection } from 'nats';
import type { SubmitReply } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { isDataError } from '../ledger/data-error.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import { issuesOf } from './dead-letters.ts';
import type { Submissions } from './submission.ts';

/** Less than the ten seconds that the gateway waits. */
const ANSWER_WITHIN_MS = 8_000;

type RefusalCode = Extract<SubmitReply, { code: unknown }>['code'];

/** Answers requests on `jobs.submit` when the job is in the ledger, or with everything that is wrong with it. */
export class SubmitService {
  readonly #submissions: Submissions;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(submissions: Submissions, connection: NatsConnection, log: Logger) {
    this.#submissions = submissions;
    this.#log = log;
    const answer = (request: Msg): Promise<SubmitReply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.jobsSubmit, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(request: Msg): Promise<SubmitReply> {
    try {
      const { job, existing } = await inTime(this.#submissions.submit(request.data));
      return { id: job.id, state: job.state, existing, job };
    } catch (error) {
      const reply = { code: codeOf(error), message: messageOf(error), errors: [...issuesOf(error)] };
      this.#log.info({ code: reply.code, error: reply.message }, 'a submission was refused');
      return reply;
    }
  }
}

/** Whoever asked is told before it stops waiting; the job may be taken all the same, and sending it again is safe. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new FarmError(
            'unavailable',
            'The ledger does not answer in time. Send the job again: with the same id or idempotencyKey it is taken once.',
          ),
        ),
      ANSWER_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): RefusalCode {
  if (error instanceof FarmError) {
    if (error.code === 'conflict' || error.code === 'too-large' || error.code === 'unavailable')
      return error.code;
    return 'invalid';
  }
  if (isDataError(error)) return 'invalid';
  // Postgres is away, or a defect here: either way the document may be sent again as it is.
  return 'unavailable';
}
