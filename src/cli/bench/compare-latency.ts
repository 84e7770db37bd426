import type { BenchFarm } from './bench-farm.ts';
import { LatencyProbe, WARM_UP_JOBS } from './latency-probe.ts';
import { percentile, round, roundMs } from './percentiles.ts';
import type { BenchContext } from './report.ts';

/** Dispatch latency of a farm that has much in its ledger, beside that of an idle and empty one on the same machine. */
export interface ComparedFigures {
  /** The loaded farm's 99th percentile ÷ the idle one's. */
  p99Ratio: number;
  p50Ratio: number;
  loadedP50Ms: number;
  loadedP99Ms: number;
  idleP50Ms: number;
  idleP99Ms: number;
}

/** What a comparison measured with, for its environment. */
export const COMPARED_SETTINGS = { warmUpJobs: WARM_UP_JOBS, workers: 1, slots: 16 };

/** Runs one job on each farm in turn, so that whatever else the machine does falls on both. */
export async function compareLatency(
  farms: { loaded: BenchFarm; idle: BenchFarm },
  { jobs, say, signal }: BenchContext & { jobs: number },
): Promise<ComparedFigures> {
  const probes = [new LatencyProbe(farms.loaded), new LatencyProbe(farms.idle)] as const;
  for (const probe of probes) await probe.warmUp();
  say(`measuring ${jobs} jobs on each farm …`);
  const latencies: [number[], number[]] = [[], []];
  for (let i = 0; i < jobs; i++) {
    signal.throwIfAborted();
    // The one that goes first is the other one each time.
    for (const side of i % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
      latencies[side].push(await probes[side].measure());
  }
  for (const probe of probes) await probe.assertAcceptedOnce();
  const [loaded, idle] = latencies;
  const p = (values: readonly number[], percent: number): number => percentile(values, percent);
  return {
    p99Ratio: round(p(loaded, 99) / p(idle, 99), 2),
    p50Ratio: round(p(loaded, 50) / p(idle, 50), 2),
    loadedP50Ms: roundMs(p(loaded, 50)),
    loadedP99Ms: roundMs(p(loaded, 99)),
    idleP50Ms: roundMs(p(idle, 50)),
    idleP99Ms: roundMs(p(idle, 99)),
  };
}
