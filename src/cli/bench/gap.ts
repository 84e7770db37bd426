import { decodeMessage } from '../../shared/contracts/decode.ts';
import { logPieceSchema } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { pause } from '../support/pool.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { gapsOf, type FrameTimes } from './gaps.ts';
import { percentile, roundMs } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

/** Milliseconds in which a slot had no frame, between the end of one and the begin of the next. */
interface Figures {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** Only those in which the slot went from one task to another. */
  betweenTasksP50Ms: number;
  betweenTasksP99Ms: number;
}

const SLOTS = 2;
const FRAME_MS = 20;
/** Frames of one task: every tenth gap is one between two tasks, so the 99th percentile is among those. */
const CHUNK = 10;
const WARM_UP_FRAMES = 200;
const JOB_TIMEOUT_MS = 300_000;
const LOGS_TIMEOUT_MS = 10_000;

/** How long a warm slot stands idle between two frames, also across tasks. */
export function measureGap(options: BenchContext & { frames: number }): Promise<BenchReport<'gap', Figures>> {
  const { frames, say, signal } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
    await run(farm, 'warm-up', WARM_UP_FRAMES, signal);
    say(`measuring ${frames} frames of ${FRAME_MS} ms …`);
    const gaps = gapsOf(await run(farm, 'gap', frames, signal), SLOTS);
    const all = gaps.map(({ ms }) => ms);
    const between = gaps.filter(({ betweenTasks }) => betweenTasks).map(({ ms }) => ms);
    const settings = { ...(await farm.versions()), frames, frameMs: FRAME_MS, chunk: CHUNK, slots: SLOTS };
    return benchReport('gap', environment, settings, {
      p50Ms: roundMs(percentile(all, 50)),
      p99Ms: roundMs(percentile(all, 99)),
      maxMs: roundMs(Math.max(...all)),
      betweenTasksP50Ms: roundMs(percentile(between, 50)),
      betweenTasksP99Ms: roundMs(percentile(between, 99)),
    });
  });
}

/** Runs a job and hears from its engine when each frame began and ended. */
async function run(farm: BenchFarm, id: string, frames: number, signal: AbortSignal): Promise<FrameTimes[]> {
  const texts = new Map<string, string>();
  const subscription = farm.nats.subscribe(SUBJECTS.logsAll, {
    callback: (error, message) => {
      if (error) throw error;
      const [, jobId, taskId = ''] = message.subject.split('.');
      if (jobId !== id) return;
      const { text } = decodeMessage(logPieceSchema, message.data, 'A piece of log');
      texts.set(taskId, (texts.get(taskId) ?? '') + text);
    },
  });
  const settings = { frameMs: FRAME_MS, logTimes: true };
  await farm.client.submit({
    ...{ version: 1, id, name: id, engine: 'null' },
    ...{ frames: `1-${frames}`, chunk: CHUNK, settings },
  });
  await farm.completion(id, JOB_TIMEOUT_MS);
  await farm.assertEachFrameOnce(id, frames);
  const end = performance.now() + LOGS_TIMEOUT_MS;
  for (;;) {
    const times = [...texts].flatMap(([task, text]) => timesIn(task, text));
    if (times.length === frames) {
      subscription.unsubscribe();
      return times;
    }
    if (performance.now() > end)
      throw new FarmError('internal', `The engine told the times of ${times.length} of ${frames} frames.`);
    await pause(100, signal);
  }
}

function timesIn(task: string, text: string): FrameTimes[] {
  const told = [...text.matchAll(/^told (\d+)$/gm)].map((match) => Number(match[1]) / 1e6);
  const done = [...text.matchAll(/^done (\d+)$/gm)].map((match) => Number(match[1]) / 1e6);
  return done.flatMap((endMs, index) => {
    const startMs = told[index];
    return startMs === undefined ? [] : [{ task, startMs, endMs }];
  });
}
