import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { forEachParallel, pause } from '../support/pool.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { COMPARED_SETTINGS, compareLatency, type ComparedFigures } from './compare-latency.ts';
import { benchEnvironment } from './environment.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Options extends BenchContext {
  /** Measured on each farm. */
  jobs: number;
  waitingJobs: number;
  framesPerJob: number;
}

const PROJECT = 'crowd';
/** Of the 16 slots; the others are idle, so that a job that is measured never waits for a slot. */
const CROWD_SLOTS = 8;
/** Longer than the bench: none of the crowd's frames under way ends. */
const FRAME_MS = 3_600_000;
const SUBMIT_AT_ONCE = 32;
const SUBMIT_TIMEOUT_MS = 30_000;
const SETTLE_TIMEOUT_MS = 60_000;

/**
 * Dispatch latency while a million frames in thousands of jobs wait: it must not grow. They are ready, of the same
 * priority, engine and lane as the jobs that are measured, and older; they wait because their project has as many frames
 * running as its limit allows. So each round of dispatch has them before it.
 */
export async function measureMillionWaiting(
  options: Options,
): Promise<BenchReport<'million-waiting', ComparedFigures>> {
  const { say, signal, jobs, waitingJobs, framesPerJob } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: COMPARED_SETTINGS.slots, say, signal }, (idle) =>
    withBenchFarm({ slots: COMPARED_SETTINGS.slots, say, signal }, async (loaded) => {
      const waitingFrames = waitingJobs * framesPerJob;
      say(`submitting ${waitingJobs} jobs of ${framesPerJob} frames that have to wait …`);
      await submitCrowd(loaded, waitingJobs, framesPerJob, signal);
      const figures = await compareLatency({ loaded, idle }, { jobs, say, signal });
      await assertStillWaiting(loaded, waitingFrames);
      const settings = {
        ...(await loaded.versions()),
        jobs,
        waitingJobs,
        waitingFrames,
        crowdSlots: CROWD_SLOTS,
      };
      return benchReport('million-waiting', environment, { ...settings, ...COMPARED_SETTINGS }, figures);
    }),
  );
}

async function submitCrowd(
  farm: BenchFarm,
  jobs: number,
  frames: number,
  signal: AbortSignal,
): Promise<void> {
  await farm.query("INSERT INTO limits (kind, name, running) VALUES ('project', $1, $2)", [
    PROJECT,
    CROWD_SLOTS,
  ]);
  await pause(3_000, signal); // by then every coordinator has read it
  const ids = Array.from({ length: jobs }, (_, index) => `crowd-${index}`);
  await forEachParallel(ids, SUBMIT_AT_ONCE, async (id) => {
    const body = encodeMessage({
      ...{ version: 1, id, name: id, engine: 'null', project: PROJECT },
      ...{ frames: `1-${frames}`, chunk: 1, settings: { frameMs: FRAME_MS } },
    });
    const reply = await farm.nats.request(SUBJECTS.jobsSubmit, body, { timeout: SUBMIT_TIMEOUT_MS });
    if (reply.json<{ id?: string }>().id !== id)
      throw new FarmError('internal', `The farm refuses a job that is to wait: ${reply.string()}`);
  });
  const end = performance.now() + SETTLE_TIMEOUT_MS;
  while ((await crowd(farm)).running < CROWD_SLOTS) {
    if (performance.now() > end)
      throw new FarmError('internal', `The waiting jobs' first ${CROWD_SLOTS} frames have not begun.`);
    await pause(100, signal);
  }
}

function crowd(farm: BenchFarm): Promise<{ waiting: number; running: number }> {
  return farm.one(
    `SELECT sum(s.ready)::int AS waiting, sum(s.queued + s.running)::int AS running
    FROM steps s JOIN jobs j ON j.id = s.job_id WHERE j.project = $1`,
    [PROJECT],
  );
}

/** That the crowd waits is what the figure is about. */
async function assertStillWaiting(farm: BenchFarm, frames: number): Promise<void> {
  const { waiting, running } = await crowd(farm);
  if (running !== CROWD_SLOTS || waiting !== frames - CROWD_SLOTS)
    throw new FarmError(
      'internal',
      `Of ${frames} frames that were to wait, ${waiting} wait and ${running} run; ${CROWD_SLOTS} may run.`,
    );
}
