import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { DeliveryRow } from './delivery-store.ts';
import { runDelivery, type DeliveryTools } from './run-delivery.ts';

const AT_ONCE = 2;
const LOOK_MS = 2_000;
const HOLD_MS = 10_000;
const MOST_RETRIES = 20;
const MOST_RETRY_SECONDS = 300;

/**
 * Makes the copies that were asked for, in the background of this gateway: what another gateway left, because it ended, is
 * gone on with from its last page.
 */
export class DeliveryRunner {
  readonly #tools: DeliveryTools;
  readonly #log: Logger;
  readonly #holder = randomUUID();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loop: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(tools: DeliveryTools, log: Logger) {
    this.#tools = tools;
    this.#log = log;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Looks for work now. */
  wake(): void {
    this.#wake();
  }

  /** Resolves when what is under way has been given back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        while (this.#running.size < AT_ONCE) {
          const delivery = await this.#tools.store.claim(this.#holder);
          if (!delivery) break;
          this.#begin(delivery);
        }
      } catch (error) {
        this.#log.warn({ error: messageOf(error) }, 'deliveries cannot be read; it is tried again');
      }
      await this.#restOrWake(signal);
    }
  }

  async #restOrWake(signal: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const rested = new AbortController();
    const rest = pause(LOOK_MS, undefined, { signal: AbortSignal.any([signal, rested.signal]) });
    await Promise.race([woken, rest.catch(() => undefined)]);
    rested.abort();
  }

  #begin(delivery: DeliveryRow): void {
    const work = this.#deliver(delivery)
      .catch((error: unknown) => {
        // The ledger did not take what became of it: its hold runs out, and it is gone on with.
        this.#log.warn({ delivery: delivery.id, error: messageOf(error) }, 'a delivery was left');
      })
      .finally(() => {
        this.#running.delete(work);
        this.#wake();
      });
    this.#running.add(work);
  }

  async #deliver(delivery: DeliveryRow): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    const holding = setInterval(() => {
      this.#tools.store.hold(delivery.id, this.#holder).then(
        (held) => {
          if (!held) lost.abort();
        },
        () => undefined, // the ledger is away: the next page says so, or the hold runs out
      );
    }, HOLD_MS);
    try {
      await runDelivery(delivery, this.#tools, signal);
    } catch (error) {
      if (!lost.signal.aborted) await this.#conclude(delivery, error);
    } finally {
      clearInterval(holding);
    }
  }

  async #conclude(delivery: DeliveryRow, error: unknown): Promise<void> {
    const { store } = this.#tools;
    const { id } = delivery;
    if (this.#stopping.signal.aborted) {
      await store.release(delivery);
      return;
    }
    const message = messageOf(error);
    const retries = await store.retries(delivery);
    if (retries === undefined) return;
    this.#log.warn({ delivery: id, error: message }, 'a delivery does not go on');
    if ((error instanceof FarmError && isFinal(error)) || retries >= MOST_RETRIES)
      await store.fail(delivery, message);
    else
      await store.release(delivery, { seconds: Math.min(MOST_RETRY_SECONDS, 2 ** retries), error: message });
  }
}

/** The target or the job is gone, its address is not allowed, or the pattern names files no more. */
function isFinal({ code }: FarmError): boolean {
  return ['not-found', 'invalid', 'conflict', 'refused'].includes(code);
}
