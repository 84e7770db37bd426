import { withBenchFarm, type BenchFarm } from './bench-farm.ts';
import { benchEnvironment } from './environment.ts';
import { median, percentile, round, roundMs } from './percentiles.ts';
import { benchReport, type BenchContext, type BenchReport } from './report.ts';
import { BenchBrowser, firstLoadGzipBytes, firstPaintMs } from './dashboard/browser.ts';
import { checkPages } from './dashboard/check-pages.ts';
import { convergesAfter } from './dashboard/converge.ts';
import { Crowd } from './dashboard/crowd.ts';
import { BIG_JOB, seedJobs } from './dashboard/seed-jobs.ts';
import { StatusSource } from './dashboard/status-source.ts';
import { probeGrid, probeList, watchPage, type Watched } from './dashboard/watch-pages.ts';

interface Figures {
  /** From the navigation to the painted rows of the list of jobs: median of five. */
  firstPaintMs: number;
  /** Scripts of the first load, compressed. */
  firstLoadGzipBytes: number;
  /** What the page does in an animation frame as events come in; the worse of the list and the grid. */
  flushP95Ms: number;
  /** The longest task after the warm-up that the browser calls long (above 50 ms); 0 where none was. */
  longTaskMaxMs: number;
  longTasks: number;
  /** From the end of the warm-up to the end of `minutes`, garbage collected; the page of a job. */
  heapGrowthBytes: number;
  heapBytes: number;
  /** From the ledger's commit to the screen, while all sockets watch. */
  pixelP50Ms: number;
  pixelP99Ms: number;
  eventsPerSecond: number;
  /** Whether the page equals a new one after it was cut off for five seconds, and for `longCut`. */
  converged5s: boolean;
  convergedLong: boolean | null;
  axeViolations: number;
  axePages: number;
  offOriginRequests: number;
}

interface Options extends BenchContext {
  jobs: number;
  events: number;
  sockets: number;
  minutes: number;
  /** Seconds. */
  longCut: number;
}

const SLOTS = 16;
const FIRST_PAINTS = 5;
const LIST_SECONDS = 60;
const SHORT_CUT_SECONDS = 5;

/** The page in a real browser, at a farm with a full ledger, as events come in. */
export async function measureDashboard(options: Options): Promise<BenchReport<'dashboard', Figures>> {
  const { jobs, events, sockets, minutes, longCut, say, signal } = options;
  const environment = benchEnvironment();
  return withBenchFarm({ slots: SLOTS, say, signal }, async (farm) => {
    say(`filling a ledger with ${jobs} jobs …`);
    await seedJobs(farm, jobs);
    const browser = await BenchBrowser.open(farm, [farm.url, farm.s3.endpoint]);
    try {
      const loading = await measureLoading(browser, farm);
      say(`first paint after ${loading.firstPaintMs} ms; at ${events} events/s for ${minutes} min …`);
      const live = await measureLive(browser, farm, options);
      say('cutting the page off …');
      const converged5s = await convergesAfter(farm, browser, { seconds: SHORT_CUT_SECONDS, say, signal });
      const convergedLong =
        longCut === 0 ? null : await convergesAfter(farm, browser, { seconds: longCut, say, signal });
      const { pages, complaints } = await checkPages(browser, farm.url);
      for (const { page, theme, rule } of complaints) say(`axe: ${page} (${theme}): ${rule}`);
      for (const address of browser.elsewhere) say(`asked of another origin: ${address}`);
      const settings = { ...(await farm.versions()), jobs, events, sockets, minutes, longCut, slots: SLOTS };
      return benchReport('dashboard', environment, settings, {
        ...loading,
        ...live,
        converged5s,
        convergedLong,
        axeViolations: complaints.length,
        axePages: pages,
        offOriginRequests: browser.elsewhere.length,
      });
    } finally {
      await browser.close();
    }
  });
}

async function measureLoading(
  browser: BenchBrowser,
  farm: BenchFarm,
): Promise<Pick<Figures, 'firstPaintMs' | 'firstLoadGzipBytes'>> {
  const list = `${farm.url}/jobs`;
  const paints: number[] = [];
  for (let run = 0; run < FIRST_PAINTS; run++) paints.push(await firstPaintMs(browser, list));
  return {
    firstPaintMs: roundMs(median(paints)),
    firstLoadGzipBytes: await firstLoadGzipBytes(browser, list),
  };
}

type Live = Omit<
  Figures,
  | 'firstPaintMs'
  | 'firstLoadGzipBytes'
  | 'converged5s'
  | 'convergedLong'
  | 'axeViolations'
  | 'axePages'
  | 'offOriginRequests'
>;

async function measureLive(browser: BenchBrowser, farm: BenchFarm, options: Options): Promise<Live> {
  const coordinator = await farm.connectAs('coordinator');
  const crowd = await Crowd.open({
    url: farm.url,
    token: farm.token,
    sockets: options.sockets - 1,
    rooms: ['jobs', `job:${BIG_JOB}`],
  });
  const source = new StatusSource(farm, coordinator);
  try {
    const { signal, minutes, events } = options;
    await source.start(events);
    const startMs = performance.now();
    const list = await watchPage(browser, source, {
      ...{ url: `${farm.url}/jobs`, seconds: LIST_SECONDS, probe: probeList, signal },
    });
    const grid = await watchPage(browser, source, {
      ...{ url: `${farm.url}/jobs/${BIG_JOB}`, seconds: minutes * 60, probe: probeGrid, signal },
    });
    const seconds = (performance.now() - startMs) / 1_000;
    await source.stop();
    await crowd.close();
    return { ...figuresOf(list, grid), eventsPerSecond: round(source.events / seconds, 0) };
  } finally {
    await coordinator.close();
  }
}

function figuresOf(list: Watched, grid: Watched): Omit<Live, 'eventsPerSecond'> {
  const longTasks = [...list.longTasks, ...grid.longTasks];
  const pixelMs = [...list.pixelMs, ...grid.pixelMs];
  const [first = 0, last = 0] = [grid.heap.at(0), grid.heap.at(-1)];
  return {
    flushP95Ms: roundMs(Math.max(percentile(list.flushes, 95), percentile(grid.flushes, 95))),
    longTaskMaxMs: roundMs(Math.max(0, ...longTasks)),
    longTasks: longTasks.length,
    heapGrowthBytes: last - first,
    heapBytes: last,
    pixelP50Ms: roundMs(percentile(pixelMs, 50)),
    pixelP99Ms: roundMs(percentile(pixelMs, 99)),
  };
}
