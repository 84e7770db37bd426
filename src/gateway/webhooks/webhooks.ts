import type { NatsConnection } from 'nats';
import type { Ledger } from '../../shared/database/connect.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { SecretBox } from '../delivery/secret-box.ts';
import type { GatewayMetrics } from '../telemetry/gateway-metrics.ts';
import type { AddressRules } from './address-rules.ts';
import { DeliveryLog } from './delivery-log.ts';
import { DeliveryQueue } from './delivery-queue.ts';
import { EventIntake } from './event-intake.ts';
import { IntakeCursor } from './intake-cursor.ts';
import type { Resolve } from './receiver-address.ts';
import { WebhookSender } from './webhook-sender.ts';
import { WebhookStore } from './webhook-store.ts';

/** A try under way is waited for when the gateway stops, for so long. */
export const STOP_TIMEOUT_MS = 20_000;

export interface WebhookParts {
  ledger: Ledger;
  nats: NatsConnection;
  rules: AddressRules;
  resolve: Resolve;
  /** Keeps their secrets. */
  box: SecretBox;
  version: string;
  metrics: GatewayMetrics;
  log: Logger;
}

/** Webhooks: who is told, what is to be told, and the telling. */
export class Webhooks {
  readonly store: WebhookStore;
  readonly deliveries: DeliveryLog;
  readonly #intake: EventIntake;
  readonly #sender: WebhookSender;

  constructor({ ledger, nats, rules, resolve, box, version, metrics, log }: WebhookParts) {
    this.store = new WebhookStore(ledger, rules, box);
    this.deliveries = new DeliveryLog(ledger);
    const settings = { rules, resolve, userAgent: `Farmhand/${version}` };
    this.#sender = new WebhookSender(new DeliveryQueue(ledger), settings, box, metrics, log);
    this.#intake = new EventIntake({
      nats,
      log,
      cursor: new IntakeCursor(ledger, newId('g')),
      onDeliveries: () => this.#sender.wake(),
    });
  }

  start(): void {
    this.#intake.start();
    this.#sender.start();
  }

  /** Something was put into the deliveries by hand. */
  wake(): void {
    this.#sender.wake();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#intake.stop(), this.#sender.stop()]);
  }
}
