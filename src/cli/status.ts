import type { Command } from 'commander';
import { FarmHome } from '../local/farm-home.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, UnreachableError, type ExitCode } from './support/exit-codes.ts';
import { farmStatus, formatStatus } from './support/farm-status.ts';

export function registerStatus(program: Command): void {
  addCommonOptions(
    program.command('status').description("Say which processes of this FARMHAND_HOME's farm run, and where."),
  ).action((options: CommonOptions) => runCommand(options, (context) => status(options, context)));
}

/** Of a farm elsewhere only its address is known here, and that it answers. */
async function status(options: CommonOptions, { out, farm }: CommandContext): Promise<ExitCode> {
  if (options.farm !== undefined) {
    const client = await farm();
    const workers = await client.workers();
    const processes = workers.map(({ id, pid, state }) => ({ name: id, pid, state }));
    const elsewhere = { dashboard: client.url, processes };
    await out.result(elsewhere, () => formatStatus(elsewhere));
    return EXIT.done;
  }
  const home = new FarmHome();
  const here = farmStatus(home);
  if (home.running() === undefined) {
    if (!out.json)
      throw new UnreachableError(`No farm runs from ${home.folder}. Start one with: farmhand up --detach`);
    await out.result(here, () => '');
    return EXIT.unreachable;
  }
  await out.result(here, () => formatStatus(here));
  return EXIT.done;
}
