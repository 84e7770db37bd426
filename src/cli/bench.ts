import type { Command } from 'commander';
import { measureLatency } from './bench/latency.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { wholeNumber } from './support/parse-options.ts';

interface LatencyOptions extends CommonOptions {
  jobs: number;
}

export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the farm, on a farm of its own with servers of its own');
  const latency = bench
    .command('latency')
    .description('time from a job published on "jobs" to its engine being told, on an idle farm')
    .option('--jobs <n>', 'jobs to measure, one after another', wholeNumber(1, 10_000), 200);
  addCommonOptions(latency).action(async (options: LatencyOptions) => {
    await runCommand(options, async ({ out, signal }) => {
      const report = await measureLatency({ jobs: options.jobs, say: (line) => out.note(line), signal });
      const { p50Ms, p99Ms, maxMs } = report.figures;
      await out.result(
        report,
        () =>
          `published → engine told, ${options.jobs} jobs: p50 ${p50Ms} ms, p99 ${p99Ms} ms, slowest ${maxMs} ms`,
      );
      return undefined;
    });
  });
}
