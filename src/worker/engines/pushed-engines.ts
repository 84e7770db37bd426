import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { engineNoticeSchema, type EngineNotice } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { PushedDefinitions } from '../../shared/engines/pushed-definitions.ts';
import type { LoadedDefinition } from '../../shared/engines/read-definition.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { lastOfEach } from '../../shared/messaging/last-of-each.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { Problems } from '../reporting/problems.ts';
import type { EngineRegistry } from './engine-registry.ts';
import { engineOf } from './index.ts';

/** Whatever was missed is heard of within this time. */
const READ_EVERY_MS = 60_000;

export interface PushedEnginesParts {
  connection: NatsConnection;
  engines: EngineRegistry;
  problems: Problems;
  /** The only engines that this worker may have; null: any. */
  only: readonly string[] | null;
  log: Logger;
}

/** Takes the definitions that the farm's store gives, and those that it takes back, without a restart. */
export class PushedEngines {
  readonly #parts: PushedEnginesParts;
  readonly #pushed = new PushedDefinitions(engineCatalogue());
  /** One after the other: to look for a program takes a while. */
  #taking: Promise<void> = Promise.resolve();
  #onChange: () => void = () => undefined;
  #subscription: Subscription | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PushedEnginesParts) {
    this.#parts = parts;
  }

  /** Resolves when everything that the farm has now is taken, or when it does not answer. */
  async start(onChange: () => void): Promise<void> {
    this.#subscription = this.#parts.connection.subscribe(SUBJECTS.enginesAll, {
      callback: (error, message) => {
        if (error) this.#parts.log.error({ error: error.message }, 'definitions of engines cannot be heard');
        else this.#hear(message.data);
      },
    });
    this.#timer = setInterval(() => void this.readAll(), READ_EVERY_MS);
    this.#timer.unref();
    await this.readAll();
    this.#onChange = onChange;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription?.unsubscribe();
  }

  /** Reads what the farm has: at start, and after the link was cut. */
  async readAll(): Promise<void> {
    try {
      const manager = await jetstreamManager(this.#parts.connection, { checkAPI: false });
      const messages = await lastOfEach(manager, STREAMS.engines.name, SUBJECTS.enginesAll);
      for (const { data } of messages) this.#hear(data);
    } catch (error) {
      this.#parts.log.warn(
        { error: messageOf(error) },
        'the farm’s definitions cannot be read; trying again',
      );
    }
    await this.#taking;
  }

  #hear(data: Uint8Array): void {
    const { log, only } = this.#parts;
    try {
      const notice = decodeMessage(engineNoticeSchema, data, 'A definition');
      if (only?.includes(notice.id) === false) return;
      this.#taking = this.#taking
        .then(() => this.#take(notice))
        .catch((error: unknown) =>
          log.error({ err: error, engine: notice.id }, 'a definition was not taken'),
        );
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'an unreadable definition');
    }
  }

  async #take(notice: EngineNotice): Promise<void> {
    const taken = this.#pushed.take(notice);
    if (taken.change === 'none') return;
    const { engines, log } = this.#parts;
    const { id } = taken;
    this.#parts.problems.clear(`engine ${id}`);
    if (taken.change === 'put') await this.#put(id, taken.loaded);
    else if (taken.problem === null) await this.#restore(id);
    else this.#refuse(id, taken.problem);
    const has = engines.has(id);
    log.info(
      { engine: id, definition: notice.definition, change: taken.change, has },
      'the farm’s definition changed',
    );
    this.#onChange();
  }

  async #put(id: string, loaded: LoadedDefinition): Promise<void> {
    try {
      await this.#parts.engines.put(engineOf(loaded));
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      this.#refuse(id, error.message);
    }
  }

  /** The worker's own, where it has one. */
  async #restore(id: string): Promise<void> {
    const shipped = engineCatalogue().shipped(id);
    if (shipped) await this.#parts.engines.put(engineOf(shipped));
    else this.#parts.engines.remove(id);
  }

  /** To render with another definition than the one that was asked for would be worse than not to render. */
  #refuse(id: string, problem: string): void {
    this.#parts.engines.remove(id);
    this.#parts.problems.set(`engine ${id}`, problem);
  }
}
