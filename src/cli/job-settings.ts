import { InvalidArgumentError, type Command } from 'commander';
import { addAskOptions, askJobs, type AskOptions } from './support/ask-jobs.ts';
import { runCommand } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { wholeNumber } from './support/parse-options.ts';

interface ChunkOptions extends AskOptions {
  step?: string;
  targetSeconds?: number;
}

export function registerPriority(program: Command): void {
  const command = program
    .command('priority')
    .description('change the priority of jobs, at once')
    .usage('[options] <job...> <n>')
    .argument('<job...>', 'one job or several, and then the priority: 0 to 100; higher goes first');
  addAskOptions(command).action(async (words: string[], options: AskOptions) => {
    const { dryRun } = options;
    await runCommand(options, async (context) => {
      const [ids, priority] = lastAs(words, 'the priority', wholeNumber(0, 100));
      return await askJobs(context, ids, 'priority', { dryRun, priority });
    });
  });
}

export function registerChunk(program: Command): void {
  const command = program
    .command('chunk')
    .description('change how many frames of jobs go out together; what waits in a task is cut anew')
    .usage('[options] <job...> [size]')
    .argument('<job...>', 'one job or several, and then the size: a number, auto or sequential')
    .option('--step <name>', 'only of this step')
    .option('--target-seconds <s>', 'how long a task of automatic size is to take', seconds);
  addAskOptions(command).action(async (words: string[], options: ChunkOptions) => {
    const { dryRun, step, targetSeconds } = options;
    await runCommand(options, async (context) => {
      const fields = { dryRun, step, targetSeconds };
      // The target can be changed alone: then every word is a job.
      if (targetSeconds !== undefined && !isSize(words.at(-1) ?? ''))
        return await askJobs(context, words, 'chunk', fields);
      const [ids, chunk] = lastAs(words, 'the size', chunkSize);
      return await askJobs(context, ids, 'chunk', { ...fields, chunk });
    });
  });
}

export function registerLimit(program: Command): void {
  const command = program
    .command('limit')
    .description('let at most so many frames of jobs run at once')
    .usage('[options] <job...> <n>')
    .argument('<job...>', 'one job or several, and then how many frames of each, or none for no limit');
  addAskOptions(command).action(async (words: string[], options: AskOptions) => {
    const { dryRun } = options;
    await runCommand(options, async (context) => {
      const [ids, running] = lastAs(words, 'the limit', (text) =>
        text === 'none' ? null : wholeNumber(1, 1_000_000)(text),
      );
      return await askJobs(context, ids, 'limits', { dryRun, running });
    });
  });
}

/** Commander takes a list only as the last argument, and here a value follows it. @throws UsageError */
function lastAs<T>(
  words: readonly string[],
  what: string,
  parse: (text: string) => T,
): [ids: string[], value: T] {
  const ids = words.slice(0, -1);
  const text = words.at(-1) ?? '';
  if (ids.length === 0) throw new UsageError(`After ${text} comes ${what}.`);
  try {
    return [ids, parse(text)];
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new UsageError(`"${text}" is not ${what}. ${error.message}`);
  }
}

const isSize = (text: string): boolean => /^(auto|sequential|\d+)$/.test(text);

function chunkSize(text: string): number | 'auto' | 'sequential' {
  if (text === 'auto' || text === 'sequential') return text;
  if (!isSize(text)) throw new InvalidArgumentError('Expected a number of frames, auto or sequential.');
  return wholeNumber(1, 10_000)(text);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0.1 && value <= 86_400))
    throw new InvalidArgumentError('Expected seconds from 0.1 to 86400.');
  return value;
}
