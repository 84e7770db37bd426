import type { Msg, NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { whyRequestSchema, type WhyReply } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import { RequestResponder } from '../runtime/request-responder.ts';
import { explainWaiting } from './explain-waiting.ts';
import { readWhyInput } from './read-why-input.ts';
import { readWorkers } from './read-workers.ts';

/** Answers `jobs.why`: why the frames of a job wait. */
export class WhyService {
  readonly #registry: WorkerRegistry;
  readonly #ledger: Ledger;
  readonly #log: Logger;
  readonly #responder: RequestResponder;

  constructor(registry: WorkerRegistry, connection: NatsConnection, ledger: Ledger, log: Logger) {
    this.#registry = registry;
    this.#ledger = ledger;
    this.#log = log;
    const answer = (request: Msg): Promise<WhyReply> => this.#answer(request);
    this.#responder = new RequestResponder(connection, SUBJECTS.jobsWhy, answer, log);
  }

  start(): void {
    this.#responder.start();
  }

  async stop(): Promise<void> {
    await this.#responder.stop();
  }

  async #answer(request: Msg): Promise<WhyReply> {
    try {
      const { jobId } = decodeMessage(whyRequestSchema, request.data, 'The request');
      const [known, workers] = await Promise.all([
        readWhyInput(this.#ledger, jobId),
        readWorkers(this.#ledger, this.#registry),
      ]);
      if (known === undefined) return { error: `There is no job ${jobId}.` };
      return { jobId, state: known.job.state, ...explainWaiting({ ...known, workers }) };
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'why a job waits could not be said');
      if (error instanceof FarmError) return { error: error.message };
      return { error: 'The ledger does not answer. Ask again in a moment.' };
    }
  }
}
