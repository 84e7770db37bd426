import type { Command } from 'commander';
import type { JobSummary } from '../shared/contracts/messages.ts';
import { isEndedJob } from '../shared/domain/states.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { ResultDownloader, type DownloadedFile } from './support/download.ts';
import type { FarmClient, FileSelection } from './support/farm-client.ts';
import { addFileOptions, selectionOf, type FileOptions } from './support/file-options.ts';
import { patiently } from './support/patience.ts';
import { pause } from './support/pool.ts';
import { Progress } from './support/progress.ts';
import { count, formatBytes } from './support/table.ts';

interface DownloadOptions extends CommonOptions, FileOptions {
  follow?: boolean;
}

export function registerDownload(program: Command): void {
  const command = program
    .command('download')
    .description("take a job's frames and videos home; what is there already with the right checksum is kept")
    .argument('<id>', 'the job')
    .argument('[dir]', 'the folder; default: one named after the job')
    .option('--follow', 'stay until the job has ended, and take frames as they are done');
  addCommonOptions(addFileOptions(command)).action(
    async (id: string, dir: string | undefined, options: DownloadOptions) => {
      await runCommand(options, async (context) => {
        await download(context, id, {
          dir,
          follow: options.follow === true,
          selection: selectionOf(options),
        });
        return undefined;
      });
    },
  );
}

async function download(
  { out, farm, signal }: CommandContext,
  id: string,
  { dir, follow, selection }: { dir: string | undefined; follow: boolean; selection: FileSelection },
): Promise<void> {
  const client = await farm();
  let job: JobSummary = await client.job(id);
  const folder = dir ?? `farmhand-${job.id}`;
  const progress = new Progress(out);
  const show = (files: number, bytes: number, state?: string): void =>
    progress.update('download', {
      label: job.name,
      done: files,
      total: Math.max(expected(job, selection), files),
      note: `files, ${formatBytes(bytes)}${state === undefined ? '' : `, job ${state}`}`,
    });
  const downloader = new ResultDownloader(id, folder, {
    client,
    progress,
    signal,
    selection,
    ...(progress.redraws && { onFile: show }),
  });
  for (;;) {
    const ended = isEndedJob(job.state); // asked before the list, so that the last list is complete
    const began = Date.now();
    await downloader.takeAll();
    show(downloader.count, downloader.bytes, job.state);
    if (!follow || ended) break;
    job = await nextChange(job, { client, progress, signal }, Date.now() - began);
  }
  progress.end();
  await out.result({ job: id, dir: folder, files: downloader.files }, () => downloadText(downloader, folder));
}

/** How many files there will be at least; what is selected among many is known when it is here. */
function expected(job: JobSummary, selection: FileSelection): number {
  return Object.keys(selection).some((key) => key !== 'pattern') ? 0 : job.frames.total;
}

/** The summary of what a download did. */
export function downloadText(downloader: ResultDownloader, folder: string): string {
  const { files } = downloader;
  if (files.length === 0) return 'There are no results yet.';
  const kept = files.filter((file: DownloadedFile) => file.kept).length;
  const note = kept === 0 ? '' : `, ${count(kept, 'file')} of them already here`;
  return `${count(files.length, 'file')} (${formatBytes(downloader.bytes)}) in ${folder}${note}`;
}

const CALM = 10;

/** Waits until more frames are done or the job has ended. Listing a large job takes a while, so it is done rarely then. */
async function nextChange(
  job: JobSummary,
  options: { client: FarmClient; progress: Progress; signal: AbortSignal },
  listingMs: number,
): Promise<JobSummary> {
  const { client, progress, signal } = options;
  await pause(Math.max(500, listingMs * CALM), signal);
  for (;;) {
    const now = await patiently(() => client.job(job.id), { signal, say: (text) => progress.note(text) });
    if (isEndedJob(now.state) || now.frames.done !== job.frames.done) return now;
    await pause(1_000, signal);
  }
}
