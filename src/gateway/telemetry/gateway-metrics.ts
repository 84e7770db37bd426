import type { NextFunction, Request, Response } from 'express';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { SHORT_SECONDS } from '../../shared/telemetry/metrics.ts';

/** What a gateway counts. Docs: docs/observability.md. */
export class GatewayMetrics {
  readonly #lag: Histogram;
  readonly #requests: Histogram<'method' | 'status'>;

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
