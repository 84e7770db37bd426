import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection, Subscription } from 'nats';
import { decodeMessage, encodeMessage } from '../../shared/contracts/decode.ts';
import { engineNoticeSchema, type EngineNotice } from '../../shared/contracts/messages.ts';
import { SUBJECTS, engineSubject, lastToken } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import {
  headOf,
  newestDefinitions,
  noticesOf,
  type StoredDefinition,
} from '../../shared/database/engine-definitions.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { PushedDefinitions } from '../../shared/engines/pushed-definitions.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { lastOfEach } from '../../shared/messaging/last-of-each.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

const LOOK_EVERY_MS = 30_000;
const PUBLISH_TIMEOUT_MS = 5_000;

/** What lies in the stream for an engine. */
interface Published {
  sequence: number;
  /** null: it cannot be read. */
  notice: EngineNotice | null;
}

/**
 * Engines' definitions of the ledger: taken into this coordinator's own catalogue, and told to everybody. The ledger is the
 * truth: what the stream lacks, or has otherwise, is published again.
 */
export class EngineStore {
  readonly #ledger: Ledger;
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  readonly #wakeUps: WakeUps;
  readonly #pushed = new PushedDefinitions(engineCatalogue());
  #subscription: Subscription | undefined;

  constructor(wakeUps: WakeUps, ledger: Ledger, nats: NatsConnection, log: Logger) {
    this.#wakeUps = wakeUps;
    this.#ledger = ledger;
    this.#nats = nats;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'engines',
      wakeUp: wakeUps.engines,
      intervalMs: LOOK_EVERY_MS,
      round: async () => {
        await this.#refresh();
      },
      log,
    });
  }

  /** Resolves when this coordinator knows the engines of the ledger: then jobs may come. */
  async start(): Promise<void> {
    await this.#takeNew(await newestDefinitions(this.#ledger));
    // Another coordinator has something new.
    this.#subscription = this.#nats.subscribe(SUBJECTS.enginesAll, {
      callback: () => this.#wakeUps.engines.wake(),
    });
    this.#wakeUps.engines.wake();
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    await this.#loop.stop();
  }

  /** After a commit: resolves when this coordinator goes by what the ledger has; everybody else is told in a moment. */
  async changed(): Promise<void> {
    this.#wakeUps.engines.wake();
    await this.#takeNew(await newestDefinitions(this.#ledger));
  }

  /** The stream may have lost what was in it. */
  tellAgain(): void {
    this.#wakeUps.engines.wake();
  }

  /** Takes what the ledger has into the catalogue, and publishes what the stream lacks. */
  async #refresh(): Promise<void> {
    const stored = await newestDefinitions(this.#ledger);
    await this.#takeNew(stored);
    if (stored.length > 0) await this.#publishMissing(stored);
  }

  async #takeNew(stored: readonly StoredDefinition[]): Promise<void> {
    const unknown = stored.filter((one) => !this.#pushed.knows(headOf(one)));
    this.#takeAll(await noticesOf(this.#ledger, unknown));
  }

  #takeAll(notices: readonly EngineNotice[]): void {
    for (const notice of notices) {
      const taken = this.#pushed.take(notice);
      if (taken.change === 'none') continue;
      const { id, definition } = notice;
      if (taken.change === 'removed' && taken.problem !== null)
        this.#log.error({ engine: id, definition }, taken.problem);
      else this.#log.info({ engine: id, definition, change: taken.change }, 'an engine’s definition changed');
    }
  }

  async #publishMissing(stored: readonly StoredDefinition[]): Promise<void> {
    const published = await this.#published();
    const missing = stored.filter((one) => {
      const { notice } = published.get(one.id) ?? { notice: null };
      if (notice?.definition !== one.version || notice.type !== headOf(one).type) return true;
      return notice.type === 'put' && notice.digest !== one.digest;
    });
    const stream = jetstream(this.#nats);
    for (const notice of await noticesOf(this.#ledger, missing)) {
      // Of two coordinators that tell the same, or one something older, the second is refused and looks again.
      const expect = { lastSubjectSequence: published.get(notice.id)?.sequence ?? 0 };
      const options = { expect, timeout: PUBLISH_TIMEOUT_MS };
      await stream.publish(engineSubject(notice.id), encodeMessage(notice), options);
    }
  }

  /** The last message of each engine. */
  async #published(): Promise<Map<string, Published>> {
    const manager = await jetstreamManager(this.#nats, { checkAPI: false });
    const messages = await lastOfEach(manager, STREAMS.engines.name, SUBJECTS.enginesAll);
    return new Map(
      messages.map(({ subject, sequence, data }) => [
        lastToken(subject),
        { sequence, notice: this.#decode(data) },
      ]),
    );
  }

  #decode(data: Uint8Array): EngineNotice | null {
    try {
      return decodeMessage(engineNoticeSchema, data, 'A definition');
    } catch (error) {
      this.#log.warn(
        { error: messageOf(error) },
        'a definition in the stream cannot be read; it is told again',
      );
      return null;
    }
  }
}
