import type { Command } from 'commander';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { missingEnginesText } from './support/missing-engines.ts';
import { jobText } from './support/show-job.ts';

export function registerJob(program: Command): void {
  const command = program
    .command('job')
    .description('show one job')
    .argument('<id>', 'the id that submit printed');
  addCommonOptions(command).action(async (id: string, options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const client = await farm();
      const job = await client.job(id);
      await out.result(job, () => jobText(job));
      const offered = await client.offeredEngines();
      const missing = missingEnginesText(job, offered);
      if (missing !== '') out.note(missing);
      return undefined;
    });
  });
}
