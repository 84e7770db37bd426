import type { Command } from 'commander';
import type { JobSummary } from '../shared/contracts/messages.ts';
import { JOB_SORTS } from '../shared/domain/job-query/job-sort.ts';
import { JOB_STATES, type JobState } from '../shared/domain/states.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { allJobs } from './support/pages.ts';
import { oneOf, wholeNumber } from './support/parse-options.ts';
import { jobsTable } from './support/show-job.ts';

interface JobsOptions extends CommonOptions {
  state?: JobState;
  search?: string;
  owner?: string;
  project?: string;
  bin?: boolean;
  sort?: string;
  limit: number;
}

export function registerJobs(program: Command): void {
  const command = program
    .command('jobs')
    .argument('[query...]', 'as in the page: state:failed owner:ana "frames>100" (docs/dashboard.md)')
    .description('list jobs, newest first')
    .option('--state <state>', `only jobs in this state: ${JOB_STATES.join(', ')}`, oneOf(JOB_STATES))
    .option('--search <text>', 'only jobs whose name, id, owner or project contains this')
    .option('--owner <name>', 'only jobs of this owner')
    .option('--project <name>', 'only jobs of this project')
    .option('--bin', 'jobs in the bin instead of the others')
    .option('--sort <what>', `sort by ${JOB_SORTS.join(', ')}; -<what> for the other way round`)
    .option('--limit <n>', 'at most so many', wholeNumber(1, 1_000_000), 50);
  addCommonOptions(command).action(async (words: string[], options: JobsOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const { state, search: q, limit, owner, project, bin, sort } = options;
      const query = {
        limit,
        ...(words.length === 0 ? {} : { query: words.join(' ') }),
        ...(sort === undefined ? {} : { sort }),
        ...(state === undefined ? {} : { state }),
        ...(q === undefined ? {} : { q }),
        ...(owner === undefined ? {} : { owner }),
        ...(project === undefined ? {} : { project }),
        ...(bin === true ? { bin: 'true' } : {}),
      };
      const jobs = allJobs(await farm(), query);
      if (out.json) await out.streamArray(jobs);
      else {
        const list: JobSummary[] = [];
        for await (const job of jobs) list.push(job);
        await out.write(list.length === 0 ? 'No jobs.\n' : `${jobsTable(list)}\n`);
      }
      return undefined;
    });
  });
}
