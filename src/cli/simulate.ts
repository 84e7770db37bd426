import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { z } from 'zod';
import { FarmError, type ErrorCode } from '../shared/domain/errors.ts';
import { benchEnvironment } from './bench/environment.ts';
import { benchReport, type BenchReport } from './bench/report.ts';
import { runCommand, type CommonOptions } from './support/command.ts';
import { wholeNumber } from './support/parse-options.ts';
import { formatTable } from './support/table.ts';

/** A process of its own: the command line contains no coordinator. */
const SIMULATOR = fileURLToPath(new URL('../coordinator/simulator/main.ts', import.meta.url));

const waitingSchema = z.object({ jobs: z.number(), p50Seconds: z.number(), p95Seconds: z.number() });
const figuresSchema = z.looseObject({
  assignmentsPerSecond: z.number(),
  utilisation: z.number(),
  makespanRatio: z.number(),
  jain: z.number(),
  useful: z.number(),
  tasks: z.number(),
  framesDone: z.number(),
  framesFailed: z.number(),
  framesUnfinished: z.number(),
  makespanSeconds: z.number(),
  lowerBoundSeconds: z.number(),
  rounds: z.number(),
  roundP50Ms: z.number(),
  roundP99Ms: z.number(),
  takenBack: z.record(z.string(), z.number()),
  shares: z.record(z.string(), z.number()),
  waiting: z.record(z.string(), waitingSchema),
});
type Figures = z.infer<typeof figuresSchema>;

const answerSchema = z.union([
  z.object({ name: z.string(), workers: z.number(), seed: z.number(), figures: figuresSchema }),
  z.object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      issues: z.array(z.object({ path: z.string(), value: z.string(), expected: z.string() })),
    }),
  }),
]);

interface SimulateOptions extends CommonOptions {
  jobs: string;
  workers?: number;
  seed?: number;
}

export function registerSimulate(program: Command): void {
  program
    .command('simulate')
    .description(
      "play a trace of jobs on a farm that is not there, with the farm's own planning and virtual time",
    )
    .requiredOption(
      '--jobs <file>',
      'the trace: groups of workers, jobs over time, limits (see examples/traces)',
    )
    .option('--workers <n>', 'so many workers instead of what the trace says', wholeNumber(1, 100_000))
    .option('--seed <n>', 'other chances: frame times, failures, arrivals', wholeNumber(0, 0xffff_ffff))
    .option('--json', 'print one JSON document on stdout')
    .action(async (options: SimulateOptions) => {
      await runCommand(options, async ({ out, signal }) => {
        const report = await play(options, signal);
        await out.result(report, () => describe(report));
        return undefined;
      });
    });
}

type Report = BenchReport<'simulate', Figures>;

async function play({ jobs, workers, seed }: SimulateOptions, signal: AbortSignal): Promise<Report> {
  const environment = benchEnvironment();
  const answer = answerSchema.parse(JSON.parse(await runSimulator([jobs, workers, seed], signal)));
  if ('error' in answer) {
    const { code, message, issues } = answer.error;
    throw new FarmError(code as ErrorCode, message, { issues });
  }
  const settings = { trace: jobs, workers: answer.workers, seed: answer.seed };
  return benchReport('simulate', environment, settings, answer.figures);
}

/** @returns what the simulator printed. */
async function runSimulator(
  values: readonly (string | number | undefined)[],
  signal: AbortSignal,
): Promise<string> {
  const args = [SIMULATOR, ...values.map((value) => String(value ?? '-'))];
  const simulator = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let printed = '';
  simulator.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    simulator.on('error', reject).on('close', resolve);
  });
  if (printed === '')
    throw new FarmError('internal', `The simulator ended with code ${code} and said nothing.`);
  return printed;
}

function describe({ environment, figures }: Report): string {
  const { utilisation, useful, jain, makespanRatio, makespanSeconds, lowerBoundSeconds } = figures;
  const percent = (part: number): string => `${Math.round(part * 1_000) / 10} %`;
  const waits = Object.entries(figures.waiting).map(([level, { jobs, p50Seconds, p95Seconds }]) => [
    level,
    String(jobs),
    `${p50Seconds} s`,
    `${p95Seconds} s`,
  ]);
  const shares = Object.entries(figures.shares).map(([project, share]) => `${project} ${percent(share)}`);
  const back = Object.entries(figures.takenBack).map(([why, tasks]) => `${tasks} ${why}`);
  const unfinished =
    figures.framesUnfinished > 0 ? `, ${figures.framesUnfinished} that nobody could render` : '';
  return [
    `${String(environment['trace'])}: ${String(environment['workers'])} workers, seed ${String(environment['seed'])}`,
    `  ${figures.framesDone} frames rendered, ${figures.framesFailed} failed${unfinished}, in ${figures.tasks} tasks`,
    `  done after ${makespanSeconds} s; no schedule could before ${lowerBoundSeconds} s (${makespanRatio})`,
    `  slots in use ${percent(utilisation)} of what the work could use, ${percent(useful)} of that for accepted frames`,
    `  had of what was due: ${shares.join(', ')} (Jain ${jain})`,
    `  taken back: ${back.length > 0 ? back.join(', ') : 'nothing'}`,
    `  ${figures.assignmentsPerSecond} assignments a second; a round ${figures.roundP50Ms} ms, p99 ${figures.roundP99Ms} ms`,
    '',
    formatTable(['FROM SUBMISSION TO FIRST FRAME', 'JOBS', 'P50', 'P95'], waits),
  ].join('\n');
}
