import type { Command } from 'commander';
import { NAME_PATTERN_RULE, isNamePattern, rowName } from '../shared/domain/row-name.ts';
import {
  isWhole,
  batchSentence,
  rowsOf,
  takeRows,
  waitForBatch,
  writeResults,
} from './render/follow-batch.ts';
import { sendBatch, type BatchFlags } from './render/send-batch.ts';
import { readData } from './submit/read-data.ts';
import { submit } from './submit.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, InterruptedError, UsageError, type ExitCode } from './support/exit-codes.ts';
import type { FarmClient } from './support/farm-client.ts';
import { printable } from './support/output.ts';
import { encodePreset, presetNames } from './support/encode-step.ts';
import { collect, wholeNumber } from './support/parse-options.ts';
import { Progress } from './support/progress.ts';
import { templateReference } from './template.ts';

interface RenderOptions extends CommonOptions, Omit<BatchFlags, 'batch'> {
  batch?: string;
  data?: string;
  param?: readonly string[];
  encode?: string;
  wait?: boolean;
  download?: string;
}

export function registerRender(program: Command): void {
  const command = program
    .command('render')
    .description('render a template with data: once, or with each row of a table')
    .argument('<template>', 'its name, or <name>@<version>')
    .option('--data <file>', 'a JSON file with the values of the parameters')
    .option('--param <k=v>', 'one parameter; may be given several times', collect)
    .option(
      '--batch <file>',
      'a table: .csv (the first line names the parameters) or .jsonl, a job for each row',
    )
    .option('--frames <range>', "default: the template's")
    .option('--name-pattern <text>', 'what jobs and files are called, such as "{title} {row:04}"')
    .option('--encode <preset>', `also make a video of the frames: ${presetNames().join(', ')}`, encodePreset)
    .option('--strict', 'render nothing when any row is bad')
    .option('--name <text>', "what people see; default: the template's label")
    .option('--project <text>', 'what the jobs belong to')
    .option('--priority <n>', '0 to 100; higher goes first (default: 50)', wholeNumber(0, 100))
    .option('--key <text>', 'the same again with this key gives what is there already')
    .option('--wait', 'stay until all has ended; exit 0 only when everything is complete')
    .option('--download <dir>', "wait, and take each row's files into this folder, under the row's name");
  addCommonOptions(command).action(async (template: string, options: RenderOptions) => {
    await runCommand(options, async (context) => await render(context, template, options));
  });
}

async function render(context: CommandContext, reference: string, options: RenderOptions): Promise<ExitCode> {
  const { batch, ...rest } = options;
  const { name, version } = templateReference(reference);
  if (batch !== undefined) return await renderBatch(context, { name, version }, { ...rest, batch });
  if (options.strict === true) throw new UsageError('--strict goes with --batch.');
  const named = await namedByPattern(options);
  const full = `template:${name}${version === undefined ? '' : `@${version}`}`;
  return await submit(context, full, { ...rest, ...(named === undefined ? {} : { name: named }) });
}

/** A single job's name, made of its data as a row's is. */
async function namedByPattern({ namePattern, name, data }: RenderOptions): Promise<string | undefined> {
  if (namePattern === undefined) return name;
  if (!isNamePattern(namePattern))
    throw new UsageError(`--name-pattern ${JSON.stringify(namePattern)}: expected ${NAME_PATTERN_RULE}.`);
  return rowName(namePattern, 1, data === undefined ? {} : await readData(data));
}

async function renderBatch(
  context: CommandContext,
  { name, version }: { name: string; version: number | undefined },
  options: RenderOptions & BatchFlags,
): Promise<ExitCode> {
  if (options.data !== undefined || options.param !== undefined)
    throw new UsageError('--batch brings the data of every row: leave --data and --param out.');
  const { out, signal } = context;
  const client = await context.farm();
  const template = await client.template(name, version);
  const progress = new Progress(out);
  const say = (text: string): void => progress.note(text);
  const { batch, existing } = await sendBatch(template, options, { client, progress, signal, say });
  progress.end();
  say(printable(`${existing ? 'This batch is there already' : 'Submitted'}: ${batch.id} (${batch.name})`));
  if (options.wait === true || options.download !== undefined)
    return await finishBatch(context, client, batch.id, options.download);
  await out.result(batch, () => batch.id);
  say(`./farmhand batch ${batch.id} says how far it is; with --download DIR it takes the files.`);
  return EXIT.done;
}

/** Waits for a batch, takes its files home where that is asked for, and writes what came of each row. */
export async function finishBatch(
  { out, signal }: CommandContext,
  client: FarmClient,
  id: string,
  dir: string | undefined,
): Promise<ExitCode> {
  const progress = new Progress(out);
  const tools = { client, progress, signal };
  try {
    await waitForBatch(id, tools);
    const batch = await client.batch(id, 0);
    progress.end();
    await writeResults(out, batch, dir === undefined ? rowsOf(id, tools) : takeRows(batch, dir, tools));
    out.note(printable(batchSentence(batch)));
    return isWhole(batch) ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (signal.aborted)
      throw new InterruptedError(`The batch goes on; ./farmhand batch ${id} --cancel ends it.`);
    throw error;
  } finally {
    progress.end();
  }
}
