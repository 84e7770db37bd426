import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ManageAnswer } from '../shared/contracts/manage-api.ts';
import { engineCatalogue } from '../shared/engines/engine-catalogue.ts';
import { readPushedDefinition } from '../shared/engines/pushed-definitions.ts';
import { definitionFiles } from './support/definition-files.ts';
import { askedBy } from './support/ask-jobs.ts';
import { runCommand, type CommonOptions } from './support/command.ts';
import { printable } from './support/output.ts';

interface StoreOptions extends CommonOptions {
  dryRun?: boolean;
}

/** `engines push` and `engines remove`: what the farm's store gives to workers. */
export function registerStore(engines: Command): void {
  addOptions(
    engines
      .command('push')
      .description("give engines' definitions to the farm; its workers take them without a restart")
      .argument('<path>', 'a definition file, or a folder of them'),
  ).action(async (path: string, _options: StoreOptions, command: Command) => {
    const options = command.optsWithGlobals<StoreOptions>();
    await runCommand(options, async ({ out, farm }) => {
      const asked = askedOf(options);
      // All are read before the first is sent: a folder with a mistake in it changes nothing.
      const definitions = definitionFiles(resolve(path)).map((file) => readFile(file));
      const client = await farm();
      const replies: ManageAnswer[] = [];
      for (const { id, text } of definitions)
        replies.push(await client.manage('PUT', ['engines', id], { ...asked, text }));
      await out.result(replies, () => replies.map(({ message }) => printable(message)).join('\n'));
      if (options.dryRun === true) out.note('Nothing was changed.');
      return undefined;
    });
  });
  addOptions(
    engines
      .command('remove')
      .description('take a definition away that the farm was given')
      .argument('<id>', 'the engine'),
  ).action(async (id: string, _options: StoreOptions, command: Command) => {
    const options = command.optsWithGlobals<StoreOptions>();
    await runCommand(options, async ({ out, farm }) => {
      const reply = await (await farm()).manage('DELETE', ['engines', id], askedOf(options));
      await out.result(reply, () => printable(reply.message));
      if (reply.dryRun === true) out.note('Nothing was changed.');
      return undefined;
    });
  });
}

/** `--json` and `--farm` are options of `engines` too, which takes them first. */
function addOptions(command: Command): Command {
  return command
    .option('--dry-run', 'say what it would do, and do nothing')
    .option('--json', 'print one JSON document on stdout')
    .option('--farm <url>', "the farm's address");
}

const askedOf = ({ dryRun }: StoreOptions): Record<string, unknown> => ({
  ...askedBy(),
  ...(dryRun === true ? { dryRun } : {}),
});

/** @throws FarmError `invalid` with file, line and column of everything that is wrong */
function readFile(file: string): { id: string; text: string } {
  const text = readFileSync(file, 'utf8');
  return { id: readPushedDefinition(text, engineCatalogue(), file).definition.id, text };
}
