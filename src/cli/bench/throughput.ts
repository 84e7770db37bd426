import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { median, round } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Figures {
  /** Null frames a second with automatic chunks, from the job's row to its end: median of the runs. */
  autoFramesPerSecond: number;
  /** The same with a task for each frame. */
  singleTasksPerSecond: number;
  autoRuns: number[];
  singleRuns: number[];
}

const SLOTS = 16;
const JOB_TIMEOUT_MS = 300_000;
/** So that code is compiled and the lane's rate is known, as on a farm at work. */
const WARM_UP_FRAMES = 5_000;

interface Options extends BenchContext {
  frames: number;
  tasks: number;
  runs: number;
}

/** What the farm itself can do: frames that cost nothing, through job, dispatch, worker, stream and ledger. */
export function measureThroughput(options: Options): Promise<BenchReport<'throughput', Figures>> {
  const { frames, tasks, runs, say, signal } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
    await rate(farm, 'warm-up-auto', WARM_UP_FRAMES, 'auto');
    await rate(farm, 'warm-up-single', WARM_UP_FRAMES, 1);
    const autoRuns: number[] = [];
    const singleRuns: number[] = [];
    for (let run = 1; run <= runs; run++) {
      autoRuns.push(await rate(farm, `auto-${run}`, frames, 'auto'));
      singleRuns.push(await rate(farm, `single-${run}`, tasks, 1));
      say(
        `run ${run}: ${autoRuns.at(-1)} frames/s with automatic chunks, ${singleRuns.at(-1)} tasks/s one by one`,
      );
    }
    const settings = { ...(await farm.versions()), frames, tasks, runs, workers: 1, slots: SLOTS };
    return benchReport('throughput', environment, settings, {
      autoFramesPerSecond: Math.round(median(autoRuns)),
      singleTasksPerSecond: Math.round(median(singleRuns)),
      autoRuns,
      singleRuns,
    });
  });
}

/** @returns frames a second. */
async function rate(farm: BenchFarm, id: string, frames: number, chunk: 'auto' | 1): Promise<number> {
  await farm.client.submit({ version: 1, id, name: id, engine: 'null', frames: `1-${frames}`, chunk });
  const seconds = await farm.completion(id, JOB_TIMEOUT_MS);
  await farm.assertEachFrameOnce(id, frames);
  return round(frames / seconds, 0);
}
