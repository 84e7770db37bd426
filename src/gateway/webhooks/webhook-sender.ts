import type { TryReport } from '../../shared/contracts/webhook-api.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { SecretBox } from '../delivery/secret-box.ts';
import type { GatewayMetrics } from '../telemetry/gateway-metrics.ts';
import type { DeliveryQueue, DueDelivery } from './delivery-queue.ts';
import { postEvent, type PostSettings } from './post-event.ts';
import { signatureHeaders } from './signature.ts';
import { sealedFor } from './webhook-store.ts';

/** How often the ledger is asked for what is due, beside when something was just put there by this gateway. */
const LOOK_EVERY_MS = 1_000;
const MOST_AT_ONCE = 32;

/** Sends what is due. Every gateway does; none needs to know of the others. */
export class WebhookSender {
  readonly #queue: DeliveryQueue;
  readonly #settings: PostSettings;
  readonly #box: SecretBox;
  readonly #metrics: GatewayMetrics;
  readonly #log: Logger;
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #wake: AbortController = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    queue: DeliveryQueue,
    settings: PostSettings,
    box: SecretBox,
    metrics: GatewayMetrics,
    log: Logger,
  ) {
    this.#queue = queue;
    this.#settings = settings;
    this.#box = box;
    this.#metrics = metrics;
    this.#log = log;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Something new may be due. */
  wake(): void {
    this.#wake.abort();
  }

  /**
   * Takes nothing further; tries under way are waited for by who stops, up to their own limit. One that is cut short is
   * made again, by any gateway.
   */
  async stop(): Promise<void> {
    this.#ended.abort();
    this.wake();
    await this.#loop;
    await Promise.all(this.#underWay);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    const isOver = (): boolean => signal.aborted;
    let failures = 0;
    while (!isOver()) {
      this.#wake = new AbortController();
      let full = false;
      try {
        full = await this.#sendDue();
        failures = 0;
      } catch (error) {
        failures++;
        this.#log.warn({ error: messageOf(error) }, 'webhooks cannot be read from the ledger; trying again');
      }
      if (isOver()) return;
      if (full) await Promise.race([...this.#underWay, pause(LOOK_EVERY_MS, signal)]);
      else await pause(failures > 0 ? backOffMs(failures) : LOOK_EVERY_MS, this.#wake.signal);
    }
  }

  /** @returns whether there may be more than could be taken. */
  async #sendDue(): Promise<boolean> {
    const room = MOST_AT_ONCE - this.#underWay.size;
    if (room <= 0) return true;
    const due = await this.#queue.claim(room);
    for (const delivery of due) {
      if (this.#ended.signal.aborted) {
        await this.#queue.giveBack(delivery);
        continue;
      }
      const sending: Promise<void> = this.#send(delivery).finally(() => {
        this.#underWay.delete(sending);
        this.wake();
      });
      this.#underWay.add(sending);
    }
    return due.length === room;
  }

  async #try(
    { eventId, webhookId, body, secrets, url }: DueDelivery,
    timestamp: number,
  ): Promise<Omit<TryReport, 'at'>> {
    const opened = secrets.flatMap((sealed) => this.#box.open(sealed, sealedFor(webhookId)) ?? []);
    if (opened.length === 0) {
      const error = `The farm's keys have changed, and its secret cannot be read any more; give it a new one: ./farmhand webhooks rotate ${webhookId}`;
      return { seconds: 0, status: null, error, response: '' };
    }
    const headers = signatureHeaders({ id: eventId, timestamp, body }, opened);
    return await postEvent(url, headers, body, this.#settings);
  }

  async #send(delivery: DueDelivery): Promise<void> {
    const { eventId, webhookId } = delivery;
    const at = new Date();
    const outcome = await this.#try(delivery, Math.floor(at.getTime() / 1_000));
    const said = { webhookId, eventId, status: outcome.status };
    try {
      const became = await this.#queue.finish(delivery, { at: at.toISOString(), ...outcome });
      this.#metrics.webhookTried(became, outcome.seconds);
      if (became === 'failed') this.#log.warn({ ...said, error: outcome.error }, 'a webhook was given up');
      else this.#log.debug({ ...said, error: outcome.error, became }, 'a webhook was tried');
    } catch (error) {
      // Its claim runs out, and it is sent again with the same id.
      this.#log.warn({ ...said, reason: messageOf(error) }, 'how a webhook went could not be written down');
    }
  }
}
