import type { Command } from 'commander';
import {
  STORAGE_GROUPS,
  storageSchema,
  type Storage,
  type StorageGroup,
} from '../shared/contracts/retention.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { oneOf, wholeNumber } from './support/parse-options.ts';
import { count, formatBytes, formatTable } from './support/table.ts';

interface StorageOptions extends CommonOptions {
  by: StorageGroup;
  limit: number;
}

export function registerStorage(program: Command): void {
  const command = program
    .command('storage')
    .description('what the storage is used for')
    .option('--by <group>', `group by ${STORAGE_GROUPS.join(', ')}`, oneOf(STORAGE_GROUPS), 'project')
    .option('--limit <n>', 'at most so many groups, the largest first', wholeNumber(1, 1_000), 20);
  addCommonOptions(command).action(async ({ by, limit, ...options }: StorageOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const storage = await (await farm()).read(['storage'], storageSchema, { by, limit });
      await out.result(storage, () => storageText(storage));
      return undefined;
    });
  });
}

function storageText({ by, groups, total, areas }: Storage): string {
  const rows = groups.map(({ name, jobs, files, bytes, binBytes }) => [
    name,
    formatBytes(bytes),
    files.toLocaleString('en'),
    jobs.toLocaleString('en'),
    binBytes === 0 ? '' : formatBytes(binBytes),
  ]);
  const { jobs, files, bytes, binBytes } = total;
  const sum = `Results of ${count(jobs, 'ended job')}: ${count(files, 'file')}, ${formatBytes(bytes)}${
    binBytes === 0 ? '' : `, of which ${formatBytes(binBytes)} in the bin`
  }.`;
  const table = formatTable([by.toUpperCase(), 'RESULTS', 'FILES', 'JOBS', 'IN THE BIN'], rows);
  return [groups.length === 0 ? '' : table, sum, walksText(areas)].filter((part) => part !== '').join('\n\n');
}

/** What lies in the bucket, by its parts, as it was walked last. */
function walksText(areas: Storage['areas']): string {
  const walked = Object.entries(areas).filter(([, walk]) => walk.at !== null);
  if (walked.length === 0) return 'The bucket has not been walked to its end yet.';
  return formatTable(
    ['BUCKET', 'STORED', 'NOTHING POINTS TO', 'REMOVED', 'UNKNOWN', 'ERRORS', 'WALKED'],
    walked.map(([area, walk]) => [
      area,
      formatBytes(walk.bytes),
      formatBytes(walk.unreferenced.bytes),
      formatBytes(walk.removed.bytes),
      formatBytes(walk.unknown.bytes),
      walk.error === null ? String(walk.errors) : `${walk.errors}: ${walk.error}`,
      walk.at ?? '',
    ]),
  );
}
