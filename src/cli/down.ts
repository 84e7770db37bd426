import type { Command } from 'commander';
import { FarmHome } from '../local/farm-home.ts';
import { endProcesses, waitForEnd } from '../local/processes/end-processes.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';

const STOP_TIMEOUT_MS = 90_000;

export function registerDown(program: Command): void {
  addCommonOptions(
    program
      .command('down')
      .description('Stop the farm of this FARMHAND_HOME, and whatever of an earlier one still runs.'),
  ).action((options: CommonOptions) => runCommand(options, down));
}

async function down({ out }: CommandContext): Promise<ExitCode> {
  const home = new FarmHome();
  const state = home.running();
  if (state !== undefined) {
    out.note('stopping …');
    process.kill(state.pid, 'SIGTERM');
    if (!(await waitForEnd(state, STOP_TIMEOUT_MS)))
      throw new FarmError(
        'unavailable',
        `The farm (process ${state.pid}) did not stop within ${STOP_TIMEOUT_MS / 1000} s. Its log is ${home.logFile('farm')}.`,
      );
  }
  // What a supervisor that was killed has left behind.
  const leftovers = home.leftovers();
  await endProcesses(leftovers, 10_000);
  home.removeRunState();
  const stopped = state !== undefined || leftovers.length > 0;
  await out.result({ stopped }, () =>
    stopped ? 'The farm is stopped.' : `No farm runs from ${home.folder}.`,
  );
  return EXIT.done;
}
