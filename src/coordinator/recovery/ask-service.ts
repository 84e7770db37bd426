import type { Msg, NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import {
  inputsRequestSchema,
  resumeRequestSchema,
  type InputsReply,
  type ResumeReply,
  type WorkerControl,
} from '../../shared/contracts/messages.ts';
import { SUBJECTS, parseAskSubject, workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import { adoptAttempt } from './adopt-attempt.ts';

/** Answers what workers ask: what of an attempt is still wanted, and where the frames of an input are. */
export class AskService {
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #registry: WorkerRegistry;
  readonly #announcer: Announcer;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(
    parts: { registry: WorkerRegistry; announcer: Announcer },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#registry = parts.registry;
    this.#announcer = parts.announcer;
    this.#log = log;
    const answer = (request: Msg): Promise<ResumeReply | InputsReply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.askAll, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(request: Msg): Promise<ResumeReply | InputsReply> {
    try {
      const asked = parseAskSubject(request.subject);
      if (asked?.topic === 'resume') return await this.#resume(asked.workerId, request.data);
      if (asked?.topic === 'inputs') return await this.#inputs(request.data);
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

  async #inputs(data: Uint8Array): Promise<InputsReply> {
    const request = decodeMessage(inputsRequestSchema, data, 'The question');
    let query = this.#ledger
      .selectFrom('frames')
      .innerJoin('steps', 'steps.key', 'frames.step_key')
      .select(['frames.number', 'frames.object_key', 'frames.bytes', 'frames.sha256'])
      .where('steps.job_id', '=', request.jobId)
      .where('steps.name', '=', request.step)
      .where('frames.state', '=', 'done')
      .where('frames.object_key', 'is not', null);
    if (request.after !== null) query = query.where('frames.number', '>', request.after);
    const rows = await query
      .orderBy('frames.number')
      .limit(request.limit + 1)
      .execute();
    const files = rows.slice(0, request.limit).flatMap((row) =>
      row.object_key === null || row.sha256 === null
        ? []
        : [
            {
              frame: row.number,
              key: row.object_key,
              bytes: Number(row.bytes ?? 0),
              sha256: row.sha256.toString('hex'),
            },
          ],
    );
    return { files, more: rows.length > request.limit };
  }
}
