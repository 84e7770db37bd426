import type { NextFunction, Request, Response } from 'express';
import { sql } from 'kysely';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Ledger } from '../../shared/database/connect.ts';
import { SHORT_SECONDS } from '../../shared/telemetry/metrics.ts';

/** Up to the fifteen seconds that a receiver has. */
const WEBHOOK_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15];

/** What a gateway counts. Docs: docs/observability.md. */
export class GatewayMetrics {
  readonly #lag: Histogram;
  readonly #requests: Histogram<'method' | 'status'>;
  readonly #webhooks: Histogram<'outcome'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#lag = new Histogram({
      name: 'farm_realtime_lag_seconds',
      help: 'Seconds from hearing of a change until those who watch it were sent it.',
      buckets: SHORT_SECONDS,
      registers,
    });
    this.#requests = new Histogram({
      name: 'farm_http_request_seconds',
      help: 'Seconds from a request to the end of its answer, by method and class of status.',
      labelNames: ['method', 'status'],
      buckets: SHORT_SECONDS,
      registers,
    });
    this.#webhooks = new Histogram({
      name: 'farm_webhook_try_seconds',
      help: 'Seconds until a receiver had answered a delivery, by what became of it: delivered, to be retried, or given up.',
      labelNames: ['outcome'],
      buckets: WEBHOOK_SECONDS,
      registers,
    });
  }

  /** A delivery of a webhook was tried. */
  webhookTried(outcome: 'delivered' | 'retried' | 'failed', seconds: number): void {
    this.#webhooks.observe({ outcome }, seconds);
  }

  sentAfter(seconds: number): void {
    this.#lag.observe(seconds);
  }

  /** Express middleware. */
  readonly measure = (request: Request, response: Response, next: NextFunction): void => {
    const end = this.#requests.startTimer({ method: request.method });
    response.on('close', () => end({ status: `${Math.floor(response.statusCode / 100)}xx` }));
    next();
  };
}

/** Browsers and programs that are connected, asked when the metrics are. */
export function watchClients(registry: Registry, read: () => number): void {
  new Gauge({
    name: 'farm_realtime_clients',
    help: 'Sockets that are open.',
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** Deliveries of webhooks that are not paused and have not ended, asked when the metrics are; every gateway tells the same. */
export function watchWebhooks(registry: Registry, ledger: Ledger): void {
  const waiting = new Gauge({
    name: 'farm_webhook_waiting',
    help: 'Deliveries that wait to be sent, or to be tried again.',
    registers: [registry],
    async collect() {
      const { rows } = await sql<{ waiting: number; oldest: number }>`
        SELECT count(*)::int AS waiting, COALESCE(EXTRACT(epoch FROM now() - min(d.created_at)), 0)::float8 AS oldest
        FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id
        WHERE NOT w.paused AND d.state = 'pending'`.execute(ledger);
      waiting.set(rows[0]?.waiting ?? 0);
      oldest.set(rows[0]?.oldest ?? 0);
    },
  });
  const oldest = new Gauge({
    name: 'farm_webhook_oldest_seconds',
    help: 'How long ago the oldest of these was made.',
    registers: [registry],
  });
}
