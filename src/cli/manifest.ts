import type { Command } from 'commander';
import type { StoredCheck } from '../shared/contracts/delivery-api.ts';
import { MAX_SELECTED_RUNS, formatFrames } from '../shared/domain/frame-ranges.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import type { FileSelection } from './support/farm-client.ts';
import { addFileOptions, selectionOf, type FileOptions } from './support/file-options.ts';
import { printable } from './support/output.ts';
import { count, formatBytes, formatTable } from './support/table.ts';

interface ManifestOptions extends CommonOptions, FileOptions {
  csv?: boolean;
  check?: boolean;
}

const SHOWN_LINES = 200;

export function registerManifest(program: Command): void {
  const command = program
    .command('manifest')
    .description(
      "print what a job's files are: name, size, SHA-256, worker, engine, verdict; JSON by default",
    )
    .argument('<id>', 'the job')
    .option('--csv', 'as a table')
    .option('--check', "look whether the farm's storage still has each file, and name those that are gone");
  addCommonOptions(addFileOptions(command)).action(async (id: string, options: ManifestOptions) => {
    await runCommand(options, async (context) => {
      if (options.check === true) return await checkStored(context, id, selectionOf(options));
      const client = await context.farm();
      const format = options.csv === true ? 'csv' : 'json';
      for await (const text of client.manifest(id, { ...selectionOf(options), format }))
        await context.out.write(text);
      return undefined;
    });
  });
}

/** Exit 1 when a file is gone or of another size. */
async function checkStored(
  { out, farm }: CommandContext,
  id: string,
  selection: FileSelection,
): Promise<ExitCode> {
  const client = await farm();
  const found: Omit<StoredCheck, 'next'> = { files: 0, wrong: [] };
  let cursor: string | undefined;
  do {
    const page: StoredCheck = await client.checkStored(id, { ...selection, ...(cursor && { cursor }) });
    found.files += page.files;
    found.wrong.push(...page.wrong);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  await out.result(found, () => checkText(id, found));
  return found.wrong.length > 0 ? EXIT.failed : EXIT.done;
}

function checkText(id: string, { files, wrong }: Omit<StoredCheck, 'next'>): string {
  if (wrong.length === 0)
    return `The storage has ${files === 0 ? 'no files' : count(files, 'file')} of ${id}, all as they were stored.`;
  const rows = wrong.map(({ name, step, frame, bytes, storedBytes }) => [
    printable(name),
    step,
    String(frame),
    storedBytes === null ? 'gone' : `${formatBytes(storedBytes)} instead of ${formatBytes(bytes)}`,
  ]);
  return [
    formatTable(['FILE', 'STEP', 'FRAME', 'STORED'], rows.slice(0, SHOWN_LINES)),
    ...(rows.length > SHOWN_LINES ? [`and ${rows.length - SHOWN_LINES} more; --json lists all`] : []),
    `${wrong.length.toLocaleString('en')} of ${count(files, 'file')} are not in the storage as they were stored. Render them again:`,
    ...retryCommands(id, wrong),
  ].join('\n');
}

/** A command a step that renders its lost frames again; several where they are too scattered for one. */
function retryCommands(id: string, wrong: StoredCheck['wrong']): string[] {
  const steps = Map.groupBy(wrong, ({ step }) => step);
  return [...steps].flatMap(([step, files]) => {
    const runs = formatFrames(files.map(({ frame }) => frame)).split(',');
    const commands: string[] = [];
    for (let at = 0; at < runs.length; at += MAX_SELECTED_RUNS)
      commands.push(
        `  ./farmhand retry ${id} --step ${step} --frames ${runs.slice(at, at + MAX_SELECTED_RUNS).join(',')}`,
      );
    return commands;
  });
}
