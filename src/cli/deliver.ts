import type { Command } from 'commander';
import type { Delivery } from '../shared/contracts/delivery-api.ts';
import { addAskOptions, askedBy, type AskOptions } from './support/ask-jobs.ts';
import { runCommand, type CommandContext } from './support/command.ts';
import { EXIT, InterruptedError, type ExitCode } from './support/exit-codes.ts';
import { addFileOptions, selectionOf, type FileOptions } from './support/file-options.ts';
import type { FarmClient } from './support/farm-client.ts';
import { printable } from './support/output.ts';
import { patiently } from './support/patience.ts';
import { pause } from './support/pool.ts';
import { Progress } from './support/progress.ts';
import { count, formatBytes } from './support/table.ts';

interface DeliverOptions extends AskOptions, FileOptions {
  to: string;
  target?: string;
  endpoint?: string;
  wait: boolean;
}

const POLL_MS = 500;

export function registerDeliver(program: Command): void {
  const command = program
    .command('deliver')
    .description(
      "have the farm copy a job's files to a bucket outside of it, with a manifest.json beside them",
    )
    .argument('<id>', 'the job')
    .requiredOption('--to <address>', 's3://bucket/prefix; a target of the farm has to lead there')
    .option('--target <name>', 'where several targets lead there: which')
    .option('--endpoint <url>', 'only a target at this server')
    .option('--no-wait', 'do not wait for its end');
  addAskOptions(addFileOptions(command)).action(async (id: string, options: DeliverOptions) => {
    await runCommand(options, (context) => deliver(context, id, options));
  });
}

async function deliver(context: CommandContext, id: string, options: DeliverOptions): Promise<ExitCode> {
  const { out } = context;
  const { to, target, endpoint, dryRun } = options;
  const client = await context.farm();
  const asked = await client.deliver(id, {
    ...askedBy(),
    ...selectionOf(options),
    to,
    ...(target !== undefined && { target }),
    ...(endpoint !== undefined && { endpoint }),
    ...(dryRun !== undefined && { dryRun }),
  });
  if (asked.id === null || !options.wait) {
    await out.result(asked, () =>
      printable(asked.id ?? `${sizeText(asked)} would be copied to ${asked.to}.`),
    );
    if (asked.id === null) out.note('Nothing was changed.');
    return EXIT.done;
  }
  const ended = await untilEnded(context, client, asked.id);
  await out.result(ended, () => printable(outcomeText(ended)));
  for (const { name, message } of ended.failures) out.note(printable(`${name}: ${message}`));
  return ended.state === 'completed' ? EXIT.done : EXIT.failed;
}

async function untilEnded(
  { out, signal }: CommandContext,
  client: FarmClient,
  id: string,
): Promise<Delivery> {
  const progress = new Progress(out);
  try {
    for (;;) {
      const now = await patiently(() => client.delivery(id), { signal, say: (text) => progress.note(text) });
      progress.update(id, {
        label: now.to,
        done: now.bytes.done,
        total: now.bytes.total,
        note: now.error ?? now.state,
        format: formatBytes,
      });
      if (now.finishedAt !== null) return now;
      await pause(POLL_MS, signal);
    }
  } catch (error) {
    if (signal.aborted) throw new InterruptedError(`The farm goes on with the delivery ${id}.`);
    throw error;
  } finally {
    progress.end();
  }
}

const sizeText = ({ files, bytes }: Delivery): string =>
  `${count(files.total, 'file')} (${formatBytes(bytes.total)})`;

function outcomeText({ state, files, bytes, to, error }: Delivery): string {
  const kept = files.kept === 0 ? '' : `, ${count(files.kept, 'file')} of them already there`;
  const done = `${count(files.done, 'file')} (${formatBytes(bytes.done)}) at ${to}${kept}`;
  return state === 'completed' ? done : `The delivery ${state}: ${error ?? 'it was ended'}\n${done}`;
}
