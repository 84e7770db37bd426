import { withBenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { LatencyProbe, WARM_UP_JOBS } from './latency-probe.ts';
import { percentile, roundMs } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

/** Milliseconds from the publish on `jobs` to the engine's call. */
interface Figures {
  p50Ms: number;
  p99Ms: number;
  minMs: number;
  meanMs: number;
  maxMs: number;
}

const SLOTS = 16;

/** Dispatch latency of an idle farm: jobs of one null frame, one after another. */
export function measureLatency(
  options: BenchContext & { jobs: number },
): Promise<BenchReport<'latency', Figures>> {
  const { jobs, say, signal } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
    const probe = new LatencyProbe(farm);
    await probe.warmUp();
    say(`measuring ${jobs} jobs …`);
    const latencies: number[] = [];
    for (let i = 0; i < jobs; i++) {
      signal.throwIfAborted();
      latencies.push(await probe.measure());
    }
    await probe.assertAcceptedOnce();
    const settings = { ...(await farm.versions()), jobs, warmUpJobs: WARM_UP_JOBS, workers: 1, slots: SLOTS };
    return benchReport('latency', environment, settings, figuresOf(latencies));
  });
}

function figuresOf(latencies: readonly number[]): Figures {
  return {
    p50Ms: roundMs(percentile(latencies, 50)),
    p99Ms: roundMs(percentile(latencies, 99)),
    minMs: roundMs(Math.min(...latencies)),
    meanMs: roundMs(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length),
    maxMs: roundMs(Math.max(...latencies)),
  };
}
