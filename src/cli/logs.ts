import type { Command } from 'commander';
import type { Attempt, LogReply } from '../shared/contracts/api.ts';
import { isEndedJob } from '../shared/domain/states.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import type { FarmClient } from './support/farm-client.ts';
import { printable, printableLines } from './support/output.ts';
import { attemptsInOrder } from './support/pages.ts';
import { pause } from './support/pool.ts';

interface LogsOptions extends CommonOptions {
  follow?: boolean;
  attempt?: string;
}

const POLL_MS = 500;

export function registerLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('print what the engines of a job printed, attempt by attempt')
    .argument('<id>', 'the job')
    .option('--follow', 'stay until the job has ended, and print as it comes')
    .option('--attempt <id>', 'only this attempt');
  addCommonOptions(command).action(async (id: string, options: LogsOptions) => {
    await runCommand(options, async (context) => {
      const client = await context.farm();
      await client.job(id); // an unknown job is said before an empty log is printed
      const logs = attemptLogs(client, id, { ...options, signal: context.signal });
      if (context.out.json) await context.out.streamArray(withText(logs));
      else await print(context, logs);
      return undefined;
    });
  });
}

interface AttemptLog {
  attempt: Attempt;
  pieces: AsyncGenerator<LogReply>;
}

/** The logs of all attempts in order; with `follow`, also of those that begin later, until the job has ended. */
async function* attemptLogs(
  client: FarmClient,
  id: string,
  options: { follow?: boolean; attempt?: string; signal: AbortSignal },
): AsyncGenerator<AttemptLog> {
  const seen = new Set<string>();
  for (;;) {
    const ended = isEndedJob((await client.job(id)).state);
    for (const attempt of await attemptsInOrder(client, id)) {
      if (seen.has(attempt.id) || (options.attempt !== undefined && options.attempt !== attempt.id)) continue;
      seen.add(attempt.id);
      yield { attempt, pieces: logPieces(client, id, attempt.id, options) };
    }
    if (options.follow !== true || ended) return;
    await pause(POLL_MS, options.signal);
  }
}

async function* logPieces(
  client: FarmClient,
  id: string,
  attempt: string,
  { follow = false, signal }: { follow?: boolean; signal: AbortSignal },
): AsyncGenerator<LogReply> {
  for (let offset = 0; ;) {
    const piece = await client.log(id, attempt, offset);
    if (piece.text !== '') yield piece;
    const more = piece.nextOffset > offset;
    offset = piece.nextOffset;
    if (more) continue;
    if (piece.ended || !follow) return;
    await pause(POLL_MS, signal);
  }
}

async function* withText(logs: AsyncGenerator<AttemptLog>): AsyncGenerator<Attempt & { text: string }> {
  for await (const { attempt, pieces } of logs) {
    let text = '';
    for await (const piece of pieces) text += piece.text;
    yield { ...attempt, text };
  }
}

async function print({ out }: CommandContext, logs: AsyncGenerator<AttemptLog>): Promise<void> {
  for await (const { attempt, pieces } of logs) {
    await out.write(`${heading(attempt)}\n`);
    let last = '\n';
    for await (const piece of pieces) {
      const text = printableLines(piece.text);
      await out.write(text);
      last = text.slice(-1);
    }
    if (last !== '\n') await out.write('\n');
  }
}

function heading(attempt: Attempt): string {
  const outcome = attempt.outcome ?? 'running';
  const error = attempt.error === null ? '' : `: ${attempt.error}`;
  return printable(
    `==> ${attempt.step} ${attempt.frames} on ${attempt.worker}, attempt ${attempt.id}, ${outcome}${error}`,
  );
}
