import { Registry, collectDefaultMetrics } from 'prom-client';

/**
 * A process's metrics with those of Node itself (memory, event loop, garbage collection). Names of the farm's own begin
 * with `farm_`, are in base units, and carry no ids as labels: a million frames must not be a million series.
 */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Seconds of things that take from a millisecond to a minute. */
export const SHORT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds of rendering: from a frame of a Lottie file to one of a night. */
export const RENDER_SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000];
