import type { Command } from 'commander';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { missingEnginesText } from './support/missing-engines.ts';
import { historyText, notesText } from './support/show-history.ts';
import { jobText } from './support/show-job.ts';

/** Newest notes and events. */
const SHOWN = 20;

export function registerJob(program: Command): void {
  const command = program
    .command('job')
    .description('show one job')
    .argument('<id>', 'the id that submit printed');
  addCommonOptions(command).action(async (id: string, options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const client = await farm();
      const job = await client.job(id);
      const { notes } = await client.notes(id, { limit: SHOWN });
      const { events } = await client.history(id, { limit: SHOWN });
      await out.result({ ...job, notes, events }, () =>
        [jobText(job), notesText(notes), historyText(events)].filter((part) => part !== '').join('\n\n'),
      );
      const offered = await client.offeredEngines();
      const missing = missingEnginesText(job, offered);
      if (missing !== '') out.note(missing);
      return undefined;
    });
  });
}
