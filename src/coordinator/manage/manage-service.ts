import type { Msg, NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import {
  manageRequestSchema,
  type ManageReply,
  type ManageRequest,
  type WorkerControl,
} from '../../shared/contracts/messages.ts';
import { SUBJECTS, workerControlSubject } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { isDataError } from '../ledger/data-error.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import type { FarmSettings } from './farm-settings.ts';
import type { WorkerOrders } from './worker-orders.ts';

interface ManageParts {
  settings: FarmSettings;
  orders: WorkerOrders;
  wakeUps: WakeUps;
  /** Limits, shares or guarantees may have changed. */
  rulesChanged: () => void;
  /** Definitions of engines may have changed. Resolves when this coordinator goes by them. */
  enginesChanged: () => Promise<void>;
  /** Workers that are heard of: they are told when shared storage changed. */
  workerIds: () => readonly string[];
}

/** Answers requests on `manage` once the ledger has what was asked for, or says why not. */
export class ManageService {
  readonly #parts: ManageParts;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(parts: ManageParts, connection: NatsConnection, log: Logger) {
    this.#parts = parts;
    this.#connection = connection;
    this.#log = log;
    const answer = (request: Msg): Promise<ManageReply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.manage, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(message: Msg): Promise<ManageReply> {
    try {
      return await this.#manage(decodeMessage(manageRequestSchema, message.data, 'The request'));
    } catch (error) {
      const reply = refusal(error);
      this.#log[reply.code === 'unavailable' ? 'warn' : 'info'](
        { code: reply.code, error: messageOf(error) },
        'a request to manage the farm was refused',
      );
      return reply;
    }
  }

  async #manage(request: ManageRequest): Promise<ManageReply> {
    const { settings, orders, wakeUps, rulesChanged, enginesChanged, workerIds } = this.#parts;
    const { reply, workers, control } = await settings.apply(request);
    if (request.dryRun === true) return reply;
    this.#log.info({ verb: request.verb, by: request.by }, reply.message);
    if ('workers' in request) {
      await orders.tell(workers);
      for (const worker of control === undefined ? [] : workers) this.#tell(worker, control);
      wakeUps.orders.wake();
    } else if (request.verb === 'put-engine' || request.verb === 'remove-engine') await enginesChanged();
    else if (request.verb === 'put-root' || request.verb === 'remove-root')
      for (const worker of workerIds()) this.#tell(worker, { type: 'roots' });
    else rulesChanged();
    if (request.verb === 'retention') wakeUps.collector.wake();
    wakeUps.feeder.wake();
    return reply;
  }

  #tell(worker: string, control: WorkerControl | undefined): void {
    if (control !== undefined) this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
  }
}

function refusal(error: unknown): ManageReply & { code: string } {
  if (error instanceof FarmError) {
    const code = error.code === 'not-found' || error.code === 'conflict' ? error.code : 'invalid';
    return { ok: false, code, message: error.message, errors: [...error.issues] };
  }
  if (isDataError(error))
    return { ok: false, code: 'invalid', message: `The ledger does not take this: ${messageOf(error)}` };
  return {
    ok: false,
    code: 'unavailable',
    message: 'The ledger does not answer. Send the request again: with the same requestId it is done once.',
  };
}
