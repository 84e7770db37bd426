import type { Command } from 'commander';
import type { Engines } from '../shared/contracts/api.ts';
import { cacheFolder } from '../local/downloads/cache-folder.ts';
import { installEngine } from '../local/engines/install-engine.ts';
import { INSTALLABLE_ENGINES, type InstallableEngine } from '../shared/programs/installed-engines.ts';
import { registerCheck } from './engines-check.ts';
import { registerStore } from './engines-store.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { oneOf } from './support/parse-options.ts';
import { formatTable } from './support/table.ts';

export function registerEngines(program: Command): void {
  const command = program
    .command('engines')
    .description('list the engines of the farm; give it another one, or install one here');
  addCommonOptions(command).action(async (options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const { engines, problems } = await (await farm()).engines();
      await out.result(engines, () => enginesTable(engines));
      for (const { file, message } of problems) out.note(`${file}: ${message}`);
      return undefined;
    });
  });
  registerInstall(command);
  registerCheck(command);
  registerStore(command);
}

function registerInstall(engines: Command): void {
  const words = INSTALLABLE_ENGINES.join(' or ');
  engines
    .command('install')
    .description('put an engine into the cache folder of this machine, in a version pinned by hash')
    .argument('<engine>', words, oneOf(INSTALLABLE_ENGINES))
    .option('--json', 'print one JSON document on stdout')
    .action(async (engine: InstallableEngine, _options: CommonOptions, command: Command) => {
      // `--json` is an option of `engines` too, which takes it first.
      await runCommand(command.optsWithGlobals(), async ({ out }) => {
        const installed = await installEngine(engine, cacheFolder(), (line) => out.note(line));
        await out.result(
          installed,
          () =>
            `${installed.release} ${installed.existing ? 'is there already' : 'is installed'}: ${installed.program}\n` +
            'Workers of this machine find it when they look again, within five minutes; new ones at once.',
        );
        return undefined;
      });
    });
}

const STATUS_TEXT = { 'run-here': 'run here', recorded: 'recorded', 'from-documentation': 'not run here' };

function enginesTable(engines: Engines['engines']): string {
  return formatTable(
    ['ENGINE', 'NAME', 'VERSIONS', 'WORKERS', 'SLOTS', 'DEFINITION', 'SEEN TO WORK'],
    engines.map(({ id, label, versions, workers, slots, definition, given, status }) => [
      id,
      label,
      versions.map(({ version, workers: count }) => `${version} (${count})`).join(', '),
      String(workers),
      String(slots),
      `${definition ?? ''}${given ? ` by ${given.by}` : ''}`,
      status === null ? '' : STATUS_TEXT[status],
    ]),
  );
}
