import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { JobDetails } from '../shared/contracts/job-details.ts';
import type { JobDocument, StepDocument } from '../shared/contracts/job-document.ts';
import { describeEngine } from '../shared/engines/engine-catalogue.ts';
import { messageOf } from '../shared/domain/errors.ts';
import { newId } from '../shared/domain/new-id.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { encodePreset, encodeStep, presetNames } from './support/encode-step.ts';
import { UsageError, type ExitCode } from './support/exit-codes.ts';
import type { FarmClient } from './support/farm-client.ts';
import { anyNumber, oneOf, wholeNumber } from './support/parse-options.ts';
import { Progress } from './support/progress.ts';
import { uploadAsset } from './support/upload.ts';
import { sendAndFinish, type FinishOptions } from './submit.ts';

interface EncodeOptions extends CommonOptions, FinishOptions {
  preset: string;
  step?: string;
  fps?: number;
  audio?: string;
  width?: number;
  height?: number;
  crf?: number;
  gaps?: string;
  view?: string;
  exposure?: number;
  burnIn?: boolean;
  name?: string;
  priority?: number;
}

type Settings = NonNullable<StepDocument['settings']>;

export function registerEncode(program: Command): void {
  const side = wholeNumber(1, 65_536);
  const command = program
    .command('encode')
    .description("make a video of a job's frames, as a job of its own that waits for them")
    .argument('<job>', 'the job whose frames they are')
    .option('--preset <name>', `what to make: ${presetNames().join(', ')}`, encodePreset, 'h264')
    .option('--step <name>', 'whose frames; default: the only step that has frames')
    .option('--fps <n>', 'pictures a second (default: 24)', anyNumber(0.01, 1_000))
    .option('--audio <file>', 'a sound file to mux')
    .option('--width <n>', 'fit the pictures into this width', side)
    .option('--height <n>', 'fit the pictures into this height', side)
    .option('--crf <n>', 'quality of h264, h265 and vp9; lower is better', wholeNumber(0, 51))
    .option(
      '--gaps <what>',
      'where a frame is missing: fail (default), hold the picture before, or a slate that says so',
      oneOf(['fail', 'hold', 'slate']),
    )
    .option('--view <name>', 'how EXR becomes a picture: srgb (default) or filmic', oneOf(['srgb', 'filmic']))
    .option('--exposure <stops>', 'make EXR brighter', anyNumber(-20, 20))
    .option('--burn-in', "write the job's name, its version, frame number and time code into the pictures")
    .option('--name <text>', 'what people see; default: the name of the job, and the preset')
    .option('--priority <n>', '0 to 100; default: that of the job', wholeNumber(0, 100))
    .option('--wait', 'stay until the video is there; exit 0 only when it completed')
    .option('--download <dir>', 'wait, and take the video into this folder');
  addCommonOptions(command).action(async (id: string, options: EncodeOptions) => {
    await runCommand(options, async (context) => await encode(context, id, options));
  });
}

async function encode(context: CommandContext, id: string, options: EncodeOptions): Promise<ExitCode> {
  if (options.audio !== undefined) await assertFile(options.audio);
  const client = await context.farm();
  const job = await client.job(id);
  const step = frameStep(job, options.step);
  const progress = new Progress(context.out);
  const audio = options.audio === undefined ? {} : { audio: await upload(context, client, options.audio) };
  const document = encodeDocument(job, step, options, audio);
  return await sendAndFinish(context, document, options, { client, progress });
}

async function assertFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    throw new UsageError(`--audio ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isFile()) throw new UsageError(`--audio ${file} is not a file.`);
}

/** The step that is named, or the only one that has frames. @throws UsageError that lists the steps there are */
export function frameStep(job: JobDetails, wanted: string | undefined): string {
  const names = job.steps
    .filter(({ engine }) => describeEngine(engine)?.work !== 'unit')
    .map(({ name }) => name);
  if (wanted !== undefined && names.includes(wanted)) return wanted;
  const list = names.length === 0 ? 'it has none with frames' : `its steps with frames: ${names.join(', ')}`;
  if (wanted !== undefined)
    throw new UsageError(`--step ${wanted}: job ${job.id} has no such step; ${list}.`);
  const [only, ...others] = names;
  if (only === undefined || others.length > 0)
    throw new UsageError(`Which step of job ${job.id}? Say --step; ${list}.`);
  return only;
}

async function upload({ signal }: CommandContext, client: FarmClient, file: string): Promise<string> {
  const path = basename(resolve(file));
  const asset = await uploadAsset([{ path, file }], { client, signal, label: path });
  return `asset:${asset}/${path}`;
}

function encodeDocument(job: JobDetails, step: string, options: EncodeOptions, audio: Settings): JobDocument {
  const { preset, fps, width, height, crf, gaps, view, exposure } = options;
  const settings: Settings = {
    ...audio,
    ...(crf === undefined ? {} : { crf }),
    ...(gaps === undefined ? {} : { gaps }),
    ...(view === undefined ? {} : { view }),
    ...(exposure === undefined ? {} : { exposure }),
    ...(options.burnIn === true ? { burnIn: burnInOf(job) } : {}),
  };
  const made = encodeStep('encode', preset, { job: job.id, step }, { fps, settings });
  const size = { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) };
  return {
    version: 1,
    id: newId('j'),
    name: options.name ?? `${job.name.slice(0, 180)} (${preset})`,
    project: job.project,
    labels: job.labels,
    priority: options.priority ?? job.priority,
    steps: [{ ...made, output: { ...made.output, ...size } }],
  };
}

function burnInOf({ name, labels }: JobDetails): Settings {
  const version = labels['version']?.slice(0, 100);
  return { title: name, ...(version === undefined ? {} : { version }) };
}
