import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { pause } from '../support/pool.ts';
import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { LatencyProbe } from './latency-probe.ts';
import { round, roundMs } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';

interface Figures {
  /** From the request to the farm's answer, through HTTP. */
  acknowledgedMs: number;
  /** From the request to a worker's word that it began with the first frame. */
  firstFrameMs: number;
  /** From the request until every frame has its row. */
  allRowsMs: number;
  /** Most memory that the coordinator had from then on, less what it had before. */
  coordinatorGrowthBytes: number;
  /** Rows and indexes of frames, while nearly all of them wait. */
  postgresBytesPerFrame: number;
  /** Most messages that were in all streams together. */
  jetstreamMessages: number;
}

const SLOTS = 16;
/** Long enough that what is measured is a million frames waiting, not a million frames rendered. */
const FRAME_MS = 1_000;
const ALL_ROWS_TIMEOUT_MS = 300_000;
/** The farm is watched for this long once all rows are there. */
const WATCH_MS = 5_000;
const ID = 'million';

/** What one very large job costs: until it is taken, until it begins, and while it waits. */
export function measureMillion(
  options: BenchContext & { frames: number },
): Promise<BenchReport<'million', Figures>> {
  const { frames, say, signal } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
    const probe = new LatencyProbe(farm);
    await probe.warmUp();
    await pause(1_000, signal);
    const bytesBefore = await framesTableBytes(farm);
    const use = new ResourceUse(farm);
    await use.start();
    const times = await submit(farm, frames, signal);
    await pause(WATCH_MS, signal);
    const { growthBytes, messages } = await use.stop();
    await assertAllThere(farm, frames);
    const settings = { ...(await farm.versions()), frames, frameMs: FRAME_MS, workers: 1, slots: SLOTS };
    return benchReport('million', environment, settings, {
      ...times,
      coordinatorGrowthBytes: growthBytes,
      postgresBytesPerFrame: round(((await framesTableBytes(farm)) - bytesBefore) / frames, 1),
      jetstreamMessages: messages,
    });
  });
}

async function submit(
  farm: BenchFarm,
  frames: number,
  signal: AbortSignal,
): Promise<Pick<Figures, 'acknowledgedMs' | 'firstFrameMs' | 'allRowsMs'>> {
  const firstFrame = Promise.withResolvers<number>();
  farm.nats.subscribe(SUBJECTS.statusTaskAll, {
    callback: (error, message) => {
      if (error) throw error;
      if (message.subject.split('.')[3] === ID) firstFrame.resolve(performance.now());
    },
  });
  const document = { version: 1, id: ID, name: ID, engine: 'null', settings: { frameMs: FRAME_MS } };
  const start = performance.now();
  await farm.client.submit({ ...document, frames: `1-${frames}` });
  const acknowledged = performance.now();
  await allRows(farm, signal);
  const rows = performance.now();
  return {
    acknowledgedMs: roundMs(acknowledged - start),
    firstFrameMs: roundMs((await firstFrame.promise) - start),
    allRowsMs: roundMs(rows - start),
  };
}

async function allRows(farm: BenchFarm, signal: AbortSignal): Promise<void> {
  const end = performance.now() + ALL_ROWS_TIMEOUT_MS;
  for (;;) {
    const { open } = await farm.one<{ open: boolean }>(
      'SELECT frames_expanded < frame_total AS open FROM steps WHERE job_id = $1',
      [ID],
    );
    if (!open) return;
    if (performance.now() > end)
      throw new FarmError('internal', `Not all frames have rows after ${ALL_ROWS_TIMEOUT_MS / 1_000} s.`);
    await pause(20, signal);
  }
}

async function framesTableBytes(farm: BenchFarm): Promise<number> {
  const { bytes } = await farm.one<{ bytes: string }>("SELECT pg_total_relation_size('frames') AS bytes");
  return Number(bytes);
}

/** Every frame has one row, and the step's counts say the same as the rows. */
async function assertAllThere(farm: BenchFarm, frames: number): Promise<void> {
  const found = await farm.one<{ rows: number; first: number; last: number; counted: number }>(
    `SELECT count(*)::int AS rows, min(f.number) AS first, max(f.number) AS last,
      (SELECT waiting + ready + queued + running + done + failed + held + skipped + cancelled FROM steps WHERE job_id = $1) AS counted
    FROM steps s JOIN frames f ON f.step_key = s.key WHERE s.job_id = $1`,
    [ID],
  );
  const { rows, first, last, counted } = found;
  if (rows !== frames || counted !== frames || first !== 1 || last !== frames)
    throw new FarmError(
      'internal',
      `Of ${frames} frames there are ${rows} rows (${first} to ${last}), and the step counts ${counted}.`,
    );
}

/** Watches the coordinator's memory and the streams' messages a few times a second, and keeps the most. */
class ResourceUse {
  readonly #farm: BenchFarm;
  readonly #stop = new AbortController();
  #bytesBefore = 0;
  #mostBytes = 0;
  #mostMessages = 0;
  #watching: Promise<void> | undefined;

  constructor(farm: BenchFarm) {
    this.#farm = farm;
  }

  async start(): Promise<void> {
    this.#bytesBefore = await this.#residentBytes();
    this.#watching = this.#watch();
    this.#watching.catch(() => undefined); // thrown by stop()
  }

  async stop(): Promise<{ growthBytes: number; messages: number }> {
    this.#stop.abort();
    await this.#watching;
    return { growthBytes: this.#mostBytes - this.#bytesBefore, messages: this.#mostMessages };
  }

  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#mostBytes = Math.max(this.#mostBytes, await this.#residentBytes());
      this.#mostMessages = Math.max(this.#mostMessages, await this.#farm.streamMessages());
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  #residentBytes(): Promise<number> {
    return this.#farm.metric('coordinator', 'process_resident_memory_bytes');
  }
}
