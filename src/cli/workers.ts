import type { Command } from 'commander';
import type { Worker } from '../shared/contracts/api.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { formatTable } from './support/table.ts';

export function registerWorkers(program: Command): void {
  const command = program.command('workers').description('list the workers and what they can render');
  addCommonOptions(command).action(async (options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const workers = await (await farm()).workers();
      await out.result(workers, () => (workers.length === 0 ? 'No workers.' : workersTable(workers)));
      return undefined;
    });
  });
}

function workersTable(workers: readonly Worker[]): string {
  return formatTable(
    ['ID', 'HOST', 'STATE', 'SLOTS', 'LOAD', 'ENGINES', 'TROUBLE'],
    workers.map((worker) => [
      worker.id,
      worker.host,
      worker.state,
      `${worker.rendering.length}/${worker.slots} busy`,
      worker.load.toFixed(2),
      worker.engines.map(({ id, version }) => `${id} ${version}`).join(', '),
      worker.problems.join('; '),
    ]),
  );
}
