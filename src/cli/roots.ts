import type { Command } from 'commander';
import { rootsSchema, type Roots } from '../shared/contracts/storage-roots.ts';
import { addAskOptions, askedBy, type AskOptions } from './support/ask-jobs.ts';
import { runCommand } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { formatTable } from './support/table.ts';

interface RootOptions extends AskOptions {
  linux?: string;
  mac?: string;
  windows?: string;
  unc?: string;
  force?: boolean;
}

const USAGE = '[options] [add <name> | remove <name>]';

export function registerRoots(program: Command): void {
  const command = program
    .command('roots')
    .description('list the shared storage that workers mount, make one known, or forget one')
    .usage(USAGE)
    .argument('[words...]', 'add or remove, with the name of a root; nothing to list')
    .option('--linux <folder>', 'add: where it lies on Linux, such as /mnt/show')
    .option('--mac <folder>', 'add: where it lies on macOS, such as /Volumes/show')
    .option('--windows <folder>', 'add: where it lies on Windows, such as S:\\show')
    .option('--unc <folder>', 'add: its network path on Windows, such as \\\\nas\\show')
    .option('--force', 'remove: although jobs need it');
  addAskOptions(command).action(async ([verb, ...names]: string[], options: RootOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      if (verb === undefined) {
        const list = await (await farm()).read(['roots'], rootsSchema);
        await out.result(list, () => listText(list));
        return undefined;
      }
      const [name, ...more] = names;
      if (name === undefined || more.length > 0 || (verb !== 'add' && verb !== 'remove'))
        throw new UsageError(`Expected: farmhand roots ${USAGE.slice('[options] '.length)}`);
      const asked = { ...askedBy(), ...(options.dryRun === true ? { dryRun: true } : {}) };
      const client = await farm();
      const reply =
        verb === 'add'
          ? await client.manage('PUT', ['roots', name], { ...asked, ...prefixesIn(options) })
          : await client.manage('DELETE', ['roots', name], {
              ...asked,
              ...(options.force === true ? { force: true } : {}),
            });
      await out.result(reply, () => printable(reply.message));
      if (reply.dryRun === true) out.note('Nothing was changed.');
      return undefined;
    });
  });
}

function prefixesIn({ linux, mac, windows, unc }: RootOptions): Record<string, string> {
  const given = Object.entries({ linux, mac, windows, unc });
  return Object.fromEntries(
    given.flatMap(([system, prefix]) => (prefix === undefined ? [] : [[system, prefix]])),
  );
}

function listText({ roots }: Roots): string {
  if (roots.length === 0)
    return 'No shared storage is known. ./farmhand roots add NAME --linux /mnt/show makes a folder known that workers mount.';
  return formatTable(
    ['NAME', 'LINUX', 'MACOS', 'WINDOWS', 'UNC', 'WORKERS'],
    roots.map(({ name, linux, mac, windows, unc, workers }) => [
      name,
      ...[linux, mac, windows, unc].map((prefix) => prefix ?? '-'),
      String(workers),
    ]),
  );
}
