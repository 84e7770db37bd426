import type { NatsConnection, Subscription } from 'nats';
import { sql } from 'kysely';
import { engineFormSchema, type EngineForm, type Engines } from '../../shared/contracts/api.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import {
  headOf,
  newestDefinitions,
  noticesOf,
  type StoredDefinition,
} from '../../shared/database/engine-definitions.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { PushedDefinitions } from '../../shared/engines/pushed-definitions.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';

const LOOK_EVERY_MS = 30_000;
/** A coordinator tells a problem of its folder again every few seconds. */
const PROBLEM_SECONDS = 30;

/** The engines that the farm knows: this gateway's catalogue, with what the ledger's store adds to it. */
export class FarmEngines {
  readonly #ledger: Ledger;
  readonly #nats: NatsConnection;
  readonly #workers: WorkerBoard;
  readonly #log: Logger;
  readonly #catalogue = engineCatalogue();
  readonly #pushed = new PushedDefinitions(this.#catalogue);
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(workers: WorkerBoard, ledger: Ledger, nats: NatsConnection, log: Logger) {
    this.#workers = workers;
    this.#ledger = ledger;
    this.#nats = nats;
    this.#log = log;
  }

  start(): void {
    this.#subscription = this.#nats.subscribe(SUBJECTS.enginesAll, { callback: () => void this.#look() });
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    void this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
  }

  /** Every engine by id, with what workers have of it now. @throws when the ledger does not answer */
  async list(): Promise<Engines> {
    const stored = new Map((await this.#read()).map((one) => [one.id, one]));
    const [offered, problems] = await Promise.all([this.#workers.engines(), this.#problems()]);
    const here = new Map(offered.map((engine) => [engine.id, engine]));
    const ids = [...new Set([...this.#catalogue.ids(), ...here.keys()])].sort();
    return {
      engines: ids.map((id) => {
        const { label = id, status = null, licence = null } = this.#catalogue.describe(id) ?? {};
        const { versions = [], workers = 0, slots = 0 } = here.get(id) ?? {};
        const given = this.#catalogue.isAdded(id) ? stored.get(id) : undefined;
        return {
          ...{ id, label, versions, workers, slots, status, licence },
          definition: this.#catalogue.revision(id) ?? null,
          given: given ? { by: given.created_by, at: given.created_at.toISOString() } : null,
        };
      }),
      problems,
    };
  }

  /** @throws FarmError `not-found`; also for an engine that only workers know */
  form(id: string): EngineForm {
    const engine = this.#catalogue.describe(id);
    if (!engine)
      throw new FarmError(
        'not-found',
        `The farm has no definition of the engine ${JSON.stringify(id)}; it knows ${this.#catalogue.ids().join(', ')}.`,
      );
    const { settings, data, ...rest } = engine;
    return engineFormSchema.parse({ ...rest, settings: settings.schema, data: data?.schema ?? null });
  }

  async #look(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, 'the ledger did not tell its engines; trying again');
    }
  }

  async #read(): Promise<StoredDefinition[]> {
    const stored = await newestDefinitions(this.#ledger);
    const unknown = stored.filter((one) => !this.#pushed.knows(headOf(one)));
    for (const notice of await noticesOf(this.#ledger, unknown)) {
      const taken = this.#pushed.take(notice);
      if (taken.change === 'removed' && taken.problem !== null) this.#log.error(taken.problem);
    }
    return stored;
  }

  async #problems(): Promise<Engines['problems']> {
    const { rows } = await sql<Engines['problems'][number]>`SELECT file, message FROM engine_problems
      WHERE at > now() - make_interval(secs => ${PROBLEM_SECONDS}) ORDER BY file`.execute(this.#ledger);
    return rows;
  }
}
