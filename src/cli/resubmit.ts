import type { Command } from 'commander';
import type { z } from 'zod';
import { addAskOptions, askJobs, type AskOptions } from './support/ask-jobs.ts';
import { runCommand } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { collect } from './support/parse-options.ts';

interface ResubmitOptions extends AskOptions {
  set?: readonly string[];
}

type Json = z.infer<ReturnType<typeof z.json>>;

export function registerResubmit(program: Command): void {
  const command = program
    .command('resubmit')
    .description('submit a job once more, as a new job, with changes')
    .argument('<job>', 'the job')
    .option(
      '--set <path=value>',
      'change the document, such as settings.samples=64, steps[render].frames=1-10 or name="A name"; null removes (may be given several times)',
      collect,
    );
  addAskOptions(command).action(async (id: string, options: ResubmitOptions) => {
    const { dryRun } = options;
    await runCommand(options, async (context) => {
      const set = Object.fromEntries((options.set ?? []).map(changeOf));
      return await askJobs(context, [id], 'resubmit', { dryRun, set });
    });
  });
}

/** `path=value`; a value that is no JSON is taken as text. @throws UsageError */
export function changeOf(text: string): [path: string, value: Json] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`"${text}" changes nothing; expected --set path=value.`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as Json];
  } catch {
    return [text.slice(0, at), value];
  }
}
