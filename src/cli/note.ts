import type { Command } from 'commander';
import { addAskOptions, askJobs, type AskOptions } from './support/ask-jobs.ts';
import { runCommand } from './support/command.ts';

export function registerNote(program: Command): void {
  const command = program
    .command('note')
    .description('write a note about a job; ./farmhand job shows them')
    .argument('<job>', 'the job')
    .argument('<text...>', 'the note');
  addAskOptions(command).action(async (id: string, words: string[], options: AskOptions) => {
    const { dryRun } = options;
    await runCommand(options, (context) => askJobs(context, [id], 'note', { dryRun, note: words.join(' ') }));
  });
}
