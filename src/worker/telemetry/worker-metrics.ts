import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { RENDER_SECONDS, SHORT_SECONDS } from '../../shared/telemetry/metrics.ts';

/** What a worker counts. Docs: docs/observability.md. */
export class WorkerMetrics {
  readonly #renderSeconds: Histogram<'engine'>;
  readonly #uploadSeconds: Histogram;
  readonly #sessionHits: Counter<'result'>;
  readonly #cacheBytes: Counter<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#renderSeconds = new Histogram({
      name: 'farm_render_seconds',
      help: 'Seconds that an engine took for a frame.',
      labelNames: ['engine'],
      buckets: RENDER_SECONDS,
      registers,
    });
    this.#uploadSeconds = new Histogram({
      name: 'farm_upload_seconds',
      help: 'Seconds that storing one object in S3 took, retries included.',
      buckets: SHORT_SECONDS,
      registers,
    });
    this.#sessionHits = new Counter({
      name: 'farm_session_hits_total',
      help: 'Tasks that found their scene loaded (warm) and those that had to load it (cold).',
      labelNames: ['result'],
      registers,
    });
    this.#cacheBytes = new Counter({
      name: 'farm_asset_cache_bytes_total',
      help: 'Bytes of scene files that were on the disk already (hit) and that were fetched (miss).',
      labelNames: ['result'],
      registers,
    });
  }

  rendered(engine: string, seconds: number): void {
    this.#renderSeconds.observe({ engine }, seconds);
  }

  uploaded(seconds: number): void {
    this.#uploadSeconds.observe(seconds);
  }

  sessionUsed(result: 'warm' | 'ready' | 'cold'): void {
    this.#sessionHits.inc({ result });
  }

  cacheUsed(result: 'hit' | 'miss', bytes: number): void {
    this.#cacheBytes.inc({ result }, bytes);
  }
}

/** Slots by what they do, asked when the metrics are. */
export function watchSlots(registry: Registry, read: () => { busy: number; total: number }): void {
  new Gauge({
    name: 'farm_slots',
    help: 'Slots of this worker.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { busy, total } = read();
      this.set({ state: 'busy' }, busy);
      this.set({ state: 'free' }, Math.max(0, total - busy));
    },
  });
}
