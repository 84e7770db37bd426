import type { Command } from 'commander';
import { measureAged } from './bench/aged.ts';
import { measureDashboard } from './bench/dashboard.ts';
import { measureDownload } from './bench/download.ts';
import { measureEfficiency } from './bench/efficiency.ts';
import { measureGap } from './bench/gap.ts';
import { measureLatency } from './bench/latency.ts';
import { measureMillionWaiting } from './bench/million-waiting.ts';
import { measureMillion } from './bench/million.ts';
import { measureQuality } from './bench/quality.ts';
import { describeReport, type BenchContext, type BenchReport } from './bench/report.ts';
import { measureRows } from './bench/rows.ts';
import { measureThroughput } from './bench/throughput.ts';
import { runCommand, type CommonOptions } from './support/command.ts';
import { wholeNumber } from './support/parse-options.ts';

/** A number that can be set: what it counts, the most it may be, and what it is by itself. */
interface Setting {
  description: string;
  most: number;
  usual: number;
}

interface Bench<Settings extends string> {
  name: string;
  description: string;
  /** By name as the code has it; `waitingJobs` is set with `--waiting-jobs`. */
  settings: Record<Settings, Setting>;
  measure: (options: BenchContext & Record<Settings, number>) => Promise<BenchReport<string, object>>;
}

const setting = (description: string, most: number, usual: number): Setting => ({ description, most, usual });
const jobs = (usual: number): Setting => setting('jobs to measure, one after another', 10_000, usual);

export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the farm, on a farm of its own with servers of its own');
  add(bench, {
    name: 'latency',
    description: 'time from a job published on "jobs" to its engine being told, on an idle farm',
    settings: { jobs: jobs(200) },
    measure: measureLatency,
  });
  add(bench, {
    name: 'throughput',
    description: 'frames and tasks a second that cost nothing to render',
    settings: {
      frames: setting('frames of each run with automatic chunks', 10_000_000, 200_000),
      tasks: setting('tasks of each run with one frame a task', 1_000_000, 20_000),
      runs: setting('runs of each kind', 20, 3),
    },
    measure: measureThroughput,
  });
  add(bench, {
    name: 'million',
    description: 'what one job of a million frames costs until it begins, and while it waits',
    settings: { frames: setting('frames of the job', 10_000_000, 1_000_000) },
    measure: measureMillion,
  });
  add(bench, {
    name: 'efficiency',
    description: 'a Blender animation by the farm against plain blender on the same slots',
    settings: { pairs: setting('runs of each, in turn', 50, 3) },
    measure: measureEfficiency,
  });
  add(bench, {
    name: 'gap',
    description: 'how long a slot stands idle between two frames',
    settings: { frames: setting('frames to render', 100_000, 2_000) },
    measure: measureGap,
  });
  addQuality(bench);
  addDashboard(bench);
  add(bench, {
    name: 'rows',
    description: 'rows of data for a Lottie title in warm sessions, against a process for each row',
    settings: { rows: setting('rows to render', 10_000, 200) },
    measure: measureRows,
  });
  add(bench, {
    name: 'download',
    description: "a job's results taken home, against plain parallel gets from the same storage",
    settings: {
      frames: setting('frames to download', 100_000, 1_000),
      kilobytes: setting('size of each', 1_000_000, 500),
      runs: setting('runs of each, in turn', 50, 3),
    },
    measure: measureDownload,
  });
  add(bench, {
    name: 'million-waiting',
    description: 'dispatch latency while a million frames of thousands of jobs wait',
    settings: {
      jobs: jobs(300),
      waitingJobs: setting('jobs that wait', 100_000, 5_000),
      framesPerJob: setting('frames of each of them', 100_000, 200),
    },
    measure: measureMillionWaiting,
  });
  add(bench, {
    name: 'aged',
    description: 'dispatch latency on a ledger full of ended jobs',
    settings: {
      jobs: jobs(300),
      endedJobs: setting('ended jobs in the ledger', 1_000_000, 20_000),
      framesPerJob: setting('done frames of each of them', 100_000, 250),
    },
    measure: measureAged,
  });
}

function addDashboard(bench: Command): void {
  add(bench, {
    name: 'dashboard',
    description:
      'the page in a real browser: first paint, flushes, heap, ledger to pixel, reconnects (for developers)',
    settings: {
      jobs: setting('jobs in the ledger', 1_000_000, 5_000),
      events: setting('status events a second', 20_000, 2_000),
      sockets: setting('sockets that watch, the page among them', 1_000, 100),
      minutes: setting('minutes that the page of a job is watched', 240, 10),
      longCut: setting('seconds of a second time without the farm; 1: none', 3_600, 1),
    },
    measure: (options) =>
      measureDashboard({ ...options, longCut: options.longCut === 1 ? 0 : options.longCut }),
  });
}

/** The one bench that needs no farm. */
function addQuality(bench: Command): void {
  add(bench, {
    name: 'quality',
    description: 'what it costs to decode, measure and judge a frame',
    settings: { frames: setting('pictures of each size to check', 10_000, 50) },
    measure: measureQuality,
  });
}

function add<Settings extends string>(program: Command, bench: Bench<Settings>): void {
  const command = program.command(bench.name).description(bench.description);
  const names = Object.keys(bench.settings) as Settings[];
  for (const name of names) {
    const { description, most, usual } = bench.settings[name];
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    command.option(`--${flag} <n>`, description, wholeNumber(1, most), usual);
  }
  command.option('--json', 'print one JSON document on stdout');
  command.action(async (options: CommonOptions & Record<Settings, number>) => {
    await runCommand(options, async ({ out, signal }) => {
      const report = await bench.measure({ ...options, say: (line) => out.note(line), signal });
      await out.result(report, () => describeReport(report));
      return undefined;
    });
  });
}
