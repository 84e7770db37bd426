import { Counter, Histogram, type Registry } from 'prom-client';
import type { TaskOutcome } from '../../shared/database/schema.ts';
import { SHORT_SECONDS } from '../../shared/telemetry/metrics.ts';

/** Tasks whose start is waited for; more than a window holds only where they were lost. */
const MAX_PUBLISHED = 20_000;

/** What a coordinator counts. Docs: docs/observability.md. */
export class CoordinatorMetrics {
  readonly #attempts: Counter<'outcome'>;
  readonly #redelivered: Counter;
  readonly #stale: Counter;
  readonly #repairs: Counter;
  readonly #latency: Histogram;
  readonly #published = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'farm_task_attempts_total',
      help: 'Attempts of tasks that ended, by how.',
      labelNames: ['outcome'],
      registers,
    });
    this.#redelivered = new Counter({
      name: 'farm_task_redelivered_total',
      help: 'Tasks that were delivered more than once.',
      registers,
    });
    this.#stale = new Counter({
      name: 'farm_stale_results_total',
      help: 'Results that changed nothing: the frame was there already, or was asked for anew.',
      registers,
    });
    this.#repairs = new Counter({
      name: 'farm_sweeper_repairs_total',
      help: 'Tasks that were in no stream and with no worker, and were fed again.',
      registers,
    });
    this.#latency = new Histogram({
      name: 'farm_dispatch_latency_seconds',
      help: 'Seconds from publishing a task until its worker said that it began; waiting for a free slot included.',
      buckets: SHORT_SECONDS,
      registers,
    });
  }

  taskPublished(key: string): void {
    this.#published.set(key, performance.now());
    const [oldest] = this.#published.keys();
    if (this.#published.size > MAX_PUBLISHED && oldest !== undefined) this.#published.delete(oldest);
  }

  taskStarted(key: string, delivery: number): void {
    if (delivery > 1) this.#redelivered.inc();
    this.taskHeardOf(key);
  }

  /** A task that is done within milliseconds does not say that it began. */
  taskHeardOf(key: string): void {
    const at = this.#published.get(key);
    if (at === undefined) return;
    this.#published.delete(key);
    this.#latency.observe((performance.now() - at) / 1_000);
  }

  attemptEnded(outcome: TaskOutcome): void {
    this.#attempts.inc({ outcome });
  }

  staleResults(count: number): void {
    this.#stale.inc(count);
  }

  repaired(tasks: number): void {
    this.#repairs.inc(tasks);
  }
}
