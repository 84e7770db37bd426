import type { Msg, NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import {
  inputsRequestSchema,
  resumeRequestSchema,
  type InputsReply,
  type ResumeReply,
  type PreviewDoneReply,
  type PreviewReply,
  type RootsReply,
  type WorkerControl,
} from '../../shared/contracts/messages.ts';
import { SUBJECTS, parseAskSubject, workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import { readRoots } from '../../shared/database/storage-roots.ts';
import type { Announcer } from '../ledger/announcer.ts';
import type { PreviewQuestions } from '../previews/preview-questions.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import { adoptAttempt } from './adopt-attempt.ts';
import { readInputs } from './step-inputs.ts';

type Reply = ResumeReply | InputsReply | RootsReply | PreviewReply | PreviewDoneReply;

/** Answers what workers ask: what of an attempt is still wanted, where the frames of an input are, and where shared storage lies. */
export class AskService {
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #registry: WorkerRegistry;
  readonly #announcer: Announcer;
  readonly #previews: PreviewQuestions;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(
    parts: { registry: WorkerRegistry; announcer: Announcer; previews: PreviewQuestions },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#registry = parts.registry;
    this.#announcer = parts.announcer;
    this.#previews = parts.previews;
    this.#log = log;
    const answer = (request: Msg): Promise<Reply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.askAll, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(request: Msg): Promise<Reply> {
    try {
      const asked = parseAskSubject(request.subject);
      if (asked?.topic === 'resume') return await this.#resume(asked.workerId, request.data);
      if (asked?.topic === 'inputs')
        return await readInputs(
          this.#ledger,
          decodeMessage(inputsRequestSchema, request.data, 'The question'),
        );
      if (asked?.topic === 'roots') return { roots: await readRoots(this.#ledger) };
      if (asked?.topic === 'preview') return await this.#previews.begin(asked.workerId, request.data);
      if (asked?.topic === 'preview-done') return await this.#previews.done(asked.workerId, request.data);
      return { error: `${request.subject} is not a question of this farm` };
    } catch (error) {
      this.#log.warn(
        { subject: request.subject, error: messageOf(error) },
        'a question could not be answered',
      );
      return { error: messageOf(error) };
    }
  }

  async #resume(workerId: string, data: Uint8Array): Promise<ResumeReply> {
    const request = decodeMessage(resumeRequestSchema, data, 'The question');
    const key = taskKeyOf(request.taskId);
    const adopted =
      key === undefined
        ? undefined
        : await adoptAttempt(this.#ledger, workerId, key, request, (worker, attempt) =>
            this.#registry.heldAttempt(worker, attempt),
          );
    // A task that the ledger does not know renders nothing that anybody wants.
    if (!adopted) return { wanted: [] };
    for (const { worker, attempt, frame } of adopted.taken) {
      const control: WorkerControl = { type: 'drop', attempt, frames: [frame] };
      this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
    }
    if (adopted.changes.length > 0) this.#announcer.announce(request.jobId, adopted.changes);
    return { wanted: adopted.wanted };
  }
}
