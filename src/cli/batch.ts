import type { Command } from 'commander';
import { batchesPageSchema, type Batch, type BatchSummary } from '../shared/contracts/batch.ts';
import { finishBatch } from './render.ts';
import { batchSentence, rowsOf, writeResults } from './render/follow-batch.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, UsageError, type ExitCode } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { Progress } from './support/progress.ts';
import { formatTable } from './support/table.ts';

interface BatchOptions extends CommonOptions {
  wait?: boolean;
  download?: string;
  results?: boolean;
  cancel?: boolean;
}

const REFUSED_SHOWN = 20;

export function registerBatch(program: Command): void {
  const command = program
    .command('batch')
    .description('show a batch: how many of its rows are done, and which were refused')
    .argument('[id]', 'the batch; nothing to list them all, newest first')
    .option('--results', 'print what came of each row by now, as CSV')
    .option('--wait', 'stay until all of its jobs have ended, and print what came of each row')
    .option('--download <dir>', "wait, and take each row's files into this folder, under the row's name")
    .option('--cancel', 'take no more of its rows, and cancel its jobs');
  addCommonOptions(command).action(async (id: string | undefined, options: BatchOptions) => {
    await runCommand(options, async (context) =>
      id === undefined ? await list(context, options) : await one(context, id, options),
    );
  });
}

async function list({ out, farm }: CommandContext, options: BatchOptions): Promise<ExitCode> {
  const { cancel, wait, download, results } = options;
  if (cancel === true || wait === true || download !== undefined || results === true)
    throw new UsageError('Say which batch is meant: farmhand batch ID …');
  const { batches } = await (await farm()).read(['batches'], batchesPageSchema);
  await out.result(batches, () =>
    batches.length === 0 ? 'No batches.' : formatTable(HEADINGS, batches.map(rowOf)),
  );
  return EXIT.done;
}

const HEADINGS = ['ID', 'STATE', 'ROWS', 'REFUSED', 'DONE', 'TEMPLATE', 'NAME'];

const rowOf = (batch: BatchSummary): string[] => [
  batch.id,
  batch.state,
  batch.rows.total === null ? `${batch.rows.accepted} …` : String(batch.rows.total),
  String(batch.rows.refused),
  String(batch.jobs.completed ?? 0),
  batch.template,
  batch.name,
];

async function one(context: CommandContext, id: string, options: BatchOptions): Promise<ExitCode> {
  const { out, farm, signal } = context;
  const client = await farm();
  if (options.cancel === true) {
    const { batch, existing } = await client.cancelBatch(id);
    await out.result(batch, () =>
      printable(
        existing ? `Batch ${id} is ${batch.state}; nothing was changed.` : `Batch ${id} is being cancelled.`,
      ),
    );
    return EXIT.done;
  }
  if (options.wait === true || options.download !== undefined)
    return await finishBatch(context, client, id, options.download);
  const batch = await client.batch(id, REFUSED_SHOWN);
  if (options.results === true)
    await writeResults(out, batch, rowsOf(id, { client, progress: new Progress(out), signal }));
  else await out.result(batch, () => textOf(batch));
  return EXIT.done;
}

function textOf(batch: Batch): string {
  const { rows, refused } = batch;
  const facts = [
    `${batch.id}  ${batch.name}`,
    `template  ${batch.template}`,
    `sent      ${batch.createdAt} by ${batch.owner}, project ${batch.project}`,
    `rows      ${rows.total ?? `${rows.accepted + rows.refused} so far`}`,
    batchSentence(batch),
  ];
  const lines = refused.flatMap(({ row, line, errors }) =>
    errors.map(
      ({ path, value, expected }) =>
        `  row ${row}, line ${line}${path === '' ? '' : ` ${path}`}: got ${value}, expected ${expected}`,
    ),
  );
  const more = rows.refused > refused.length ? [`  … and ${rows.refused - refused.length} more rows`] : [];
  return [...facts, ...lines, ...more].map(printable).join('\n');
}
