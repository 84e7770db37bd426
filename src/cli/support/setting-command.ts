import type { Command } from 'commander';
import { addAskOptions, askedBy, type AskOptions } from './ask-jobs.ts';
import { runCommand } from './command.ts';
import { UsageError } from './exit-codes.ts';
import type { FarmClient } from './farm-client.ts';
import { printable } from './output.ts';
import { formatTable } from './table.ts';

/** A command that lists settings of the farm, sets one, or removes one. */
export interface SettingCommand {
  name: string;
  description: string;
  /** Said when there are none. */
  nothing: string;
  /** The words after `set`; the last one is the value. */
  set: readonly string[];
  /** The words after `remove`: what names a setting. */
  remove: readonly string[];
  /** Whether it can be of one project (`--project`). */
  ofProject?: true;
  headings: readonly string[];
  rows: (farm: FarmClient) => Promise<string[][]>;
  list: (farm: FarmClient) => Promise<unknown>;
  address: (
    named: readonly string[],
    project: string | undefined,
  ) => { path: readonly string[]; query?: Record<string, string | undefined> };
  body: (value: string) => Record<string, unknown>;
}

interface SettingOptions extends AskOptions {
  project?: string;
}

export function registerSetting(program: Command, setting: SettingCommand): void {
  const words = (names: readonly string[]): string => names.map((name) => `<${name}>`).join(' ');
  const usage = `[options] [set ${words(setting.set)} | remove ${words(setting.remove)}]`;
  const command = program
    .command(setting.name)
    .description(setting.description)
    .usage(usage)
    .argument('[words...]', 'set or remove, with what it is about; nothing to list');
  if (setting.ofProject) command.option('--project <name>', 'only for jobs of this project');
  addAskOptions(command).action(async ([verb, ...given]: string[], options: SettingOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      if (verb === undefined) {
        const client = await farm();
        const rows = out.json ? [] : await setting.rows(client);
        const list = out.json ? await setting.list(client) : undefined;
        await out.result(list, () =>
          rows.length === 0 ? setting.nothing : formatTable(setting.headings, rows),
        );
        return undefined;
      }
      const expected = verb === 'set' ? setting.set : verb === 'remove' ? setting.remove : undefined;
      if (expected?.length !== given.length)
        throw new UsageError(`Expected: farmhand ${setting.name} ${usage.slice('[options] '.length)}`);
      const { path, query } = setting.address(given, options.project);
      const asked = { ...askedBy(), ...(options.dryRun === true ? { dryRun: true } : {}) };
      const client = await farm();
      const reply =
        verb === 'set'
          ? await client.manage('PUT', path, { ...asked, ...setting.body(given.at(-1) ?? '') }, query)
          : await client.manage('DELETE', path, asked, query);
      await out.result(reply, () => printable(reply.message));
      if (reply.dryRun === true) out.note('Nothing was changed.');
      return undefined;
    });
  });
}
