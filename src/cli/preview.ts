import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Preview } from '../shared/contracts/api.ts';
import { PREVIEW_KINDS, type PreviewKind } from '../shared/contracts/messages.ts';
import { frameStep } from './encode.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, UsageError, type ExitCode } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { oneOf, wholeNumber } from './support/parse-options.ts';
import { pause } from './support/pool.ts';
import { formatBytes } from './support/table.ts';

interface PreviewOptions extends CommonOptions {
  step?: string;
  kind?: PreviewKind;
  download?: string;
  timeout: number;
}

interface DownloadedPreview extends Preview {
  path?: string;
}

const ASK_EVERY_MS = 1_000;

export function registerPreview(program: Command): void {
  const command = program
    .command('preview')
    .description('a contact sheet and a small video of a step, made of the frames that are done')
    .argument('<job>', 'the job')
    .option('--step <name>', 'which step; default: the only one that has frames')
    .option('--kind <kind>', `only one of them: ${PREVIEW_KINDS.join(', ')}`, oneOf(PREVIEW_KINDS))
    .option('--download <dir>', 'take them into this folder')
    .option('--timeout <seconds>', 'how long to wait for them', wholeNumber(0, 86_400), 300);
  addCommonOptions(command).action(async (id: string, options: PreviewOptions) => {
    await runCommand(options, async (context) => await preview(context, id, options));
  });
}

async function preview(context: CommandContext, id: string, options: PreviewOptions): Promise<ExitCode> {
  const client = await context.farm();
  const step = frameStep(await client.job(id), options.step);
  const kinds = options.kind === undefined ? PREVIEW_KINDS : [options.kind];
  // Asked for all at once, so that they are made side by side.
  const previews = await Promise.all(
    kinds.map(async (kind): Promise<DownloadedPreview> => {
      const ready = await untilReady(context, () => client.preview(id, step, kind), options.timeout);
      if (options.download === undefined || ready.url === null) return ready;
      return { ...ready, path: await take(ready, options.download, context.signal) };
    }),
  );
  await context.out.result({ job: id, step, previews }, () => previews.map(previewText).join('\n'));
  return previews.every(({ url }) => url !== null) ? EXIT.done : EXIT.failed;
}

/** A preview that is being made is waited for; one that cannot be made is not. */
async function untilReady(
  { signal }: CommandContext,
  ask: () => Promise<Preview>,
  timeoutSeconds: number,
): Promise<Preview> {
  const end = performance.now() + timeoutSeconds * 1_000;
  for (;;) {
    const now = await ask();
    if (now.state !== 'making' || performance.now() > end) return now;
    await pause(ASK_EVERY_MS, signal);
  }
}

async function take({ kind, url, step }: Preview, folder: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(url ?? '', { signal });
  if (!answer.ok) throw new UsageError(`The storage gives no ${kind}: it answered ${answer.status}.`);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${step}-${kind}.${kind === 'proxy' ? 'mp4' : 'jpg'}`);
  await writeFile(path, Buffer.from(await answer.arrayBuffer()), { flush: true });
  return path;
}

function previewText({ kind, state, reason, frames, bytes, url, path }: DownloadedPreview): string {
  const of = frames.everyNth > 1 ? ` (every ${frames.everyNth}th)` : '';
  const size = bytes === null ? '' : `, ${formatBytes(bytes)}`;
  const where = path ?? url ?? reason ?? '';
  return printable(`${kind}: ${state}, ${frames.shown} of ${frames.total} frames${of}${size}\n  ${where}`);
}
