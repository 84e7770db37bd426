import { InvalidArgumentError, type Command } from 'commander';
import type { JobSummary } from '../shared/contracts/messages.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { ResultDownloader } from './support/download.ts';
import { EXIT, InterruptedError, type ExitCode } from './support/exit-codes.ts';
import type { FarmClient, Submission } from './support/farm-client.ts';
import { missingEnginesText } from './support/missing-engines.ts';
import { printable } from './support/output.ts';
import { encodePreset, presetNames } from './support/encode-step.ts';
import { collect, wholeNumber } from './support/parse-options.ts';
import { patiently } from './support/patience.ts';
import { Progress } from './support/progress.ts';
import { framesText, jobText } from './support/show-job.ts';
import { waitForJob } from './support/wait-for-job.ts';
import type { SubmitFlags } from './submit/build-document.ts';
import { prepareSubmission } from './submit/prepare.ts';
import { downloadText } from './download.ts';

/** What happens once a job is submitted. */
export interface FinishOptions {
  wait?: boolean;
  download?: string;
}

interface SubmitOptions extends CommonOptions, SubmitFlags, FinishOptions {}

export function registerSubmit(program: Command): void {
  const command = program
    .command('submit')
    .description('render a scene, a folder or zip around one, a template, or a job document')
    .argument(
      '<file>',
      'a .blend, .pov, POV-Ray .ini or Lottie .json; a folder or zip; template:<name>; a job document',
    )
    .option('--engine <id>', 'the engine; default: the one that the scene is made for')
    .option('--frames <range>', 'such as 1-100, 7, 1-100x5, 1-10:5; default: the range of the scene')
    .option('--name <text>', 'what people see; default: the name of the file')
    .option('--project <text>', 'what the job belongs to')
    .option('--priority <n>', '0 to 100; higher goes first (default: 50)', wholeNumber(0, 100))
    .option(
      '--param <k=v>',
      "a template's parameter or an engine's setting; may be given several times",
      collect,
    )
    .option('--data <file>', 'a JSON file with the parameters of a template, or with data for the scene')
    .option('--chunk <n>', 'frames a task: auto (default), sequential, or a number', chunk)
    .option('--encode <preset>', `also make a video of the frames: ${presetNames().join(', ')}`, encodePreset)
    .option('--scene <path>', 'which scene of a folder or zip')
    .option('--key <text>', 'submitting the same again with this key gives the job that is there already')
    .option('--upload', 'upload files also where shared storage has them (./farmhand roots)')
    .option('--wait', 'stay until the job has ended; exit 0 only when it completed')
    .option('--download <dir>', 'wait, and take frames and video into this folder');
  addCommonOptions(command).action(async (file: string, options: SubmitOptions) => {
    await runCommand(options, async (context) => await submit(context, file, options));
  });
}

/** Submits what the file is and, where that is asked for, waits and takes the results home. */
export async function submit(
  context: CommandContext,
  file: string,
  options: SubmitOptions,
): Promise<ExitCode> {
  const { signal } = context;
  let connected: Promise<FarmClient> | undefined;
  const farm = (): Promise<FarmClient> => (connected ??= context.farm());
  const progress = new Progress(context.out);
  const say = (line: string): void => progress.note(line);
  const document = await prepareSubmission(file, options, { farm, progress, signal, say });
  progress.end();
  return await sendAndFinish(context, document, options, { client: await farm(), progress });
}

/** Submits a document and, where that is asked for, waits and takes the results home. */
export async function sendAndFinish(
  context: CommandContext,
  document: unknown,
  options: FinishOptions,
  { client, progress }: { client: FarmClient; progress: Progress },
): Promise<ExitCode> {
  const { out, signal } = context;
  const say = (line: string): void => progress.note(line);
  const submission = await send(client, document, signal, say);
  const { job } = submission;
  say(
    printable(`${submission.existing ? 'This job is there already' : 'Submitted'}: ${job.id} (${job.name})`),
  );
  const missing = missingEnginesText(job, await client.offeredEngines());
  if (missing !== '') say(missing);
  if (options.wait !== true && options.download === undefined) {
    await out.result(job, () => job.id);
    say(
      `./farmhand job ${job.id} says how far it is; ./farmhand download ${job.id} --follow takes its files.`,
    );
    return EXIT.done;
  }
  const ended = await waitFor(context, client, progress, job.id);
  if (options.download !== undefined) {
    const downloader = new ResultDownloader(job.id, options.download, { client, progress, signal });
    await downloader.takeAll();
    say(downloadText(downloader, options.download));
  }
  await out.result(ended, () => outcomeText(ended));
  return ended.state === 'completed' ? EXIT.done : EXIT.failed;
}

/** A document with an id or key can be sent again when its answer was lost. */
async function send(
  client: FarmClient,
  document: unknown,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<Submission> {
  const repeatable =
    !(document instanceof Uint8Array) &&
    typeof document === 'object' &&
    document !== null &&
    ('id' in document || 'idempotencyKey' in document);
  if (!repeatable) return await client.submit(document);
  return await patiently(() => client.submit(document), { signal, say, patienceMs: SUBMIT_PATIENCE_MS });
}

/** A farm whose servers are away for a minute takes the job when they are back. */
const SUBMIT_PATIENCE_MS = 90_000;

async function waitFor(
  { signal }: CommandContext,
  client: FarmClient,
  progress: Progress,
  id: string,
): Promise<JobSummary> {
  try {
    return await waitForJob(id, { client, progress, signal });
  } catch (error) {
    if (signal.aborted) throw new InterruptedError(`The job goes on; ./farmhand cancel ${id} ends it.`);
    throw error;
  } finally {
    progress.end();
  }
}

function outcomeText(job: JobSummary): string {
  if (job.state === 'completed') return jobText(job);
  const reason = job.error === null ? '' : `: ${job.error}`;
  const state = job.state === 'held' ? 'is held' : job.state;
  return `${jobText(job)}\n\n${printable(`The job ${state} (${framesText(job.frames)})${reason}`)}\n./farmhand logs ${job.id} shows what the engine printed.`;
}

function chunk(text: string): 'auto' | 'sequential' | number {
  if (text === 'auto' || text === 'sequential') return text;
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 10_000)
    throw new InvalidArgumentError('Expected auto, sequential, or a whole number from 1 to 10,000.');
  return Number(text);
}
