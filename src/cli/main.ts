import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { COMMANDS } from './commands.ts';
import { EXIT } from './support/exit-codes.ts';
import { endQuietlyOnBrokenPipe } from './support/output.ts';

/**
 * Only the module of the command that is asked for is loaded, so that `./farmhand status` starts as quickly as it can;
 * the others stand in the help by name.
 */
async function main(argv: readonly string[]): Promise<void> {
  endQuietlyOnBrokenPipe();
  const program = new Command('farmhand')
    .description(
      'A render farm for many engines: submit a scene or data for a template, get frames and videos.',
    )
    .helpCommand(false)
    .version(packageJson.version)
    .enablePositionalOptions()
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage));
  const asked = argv.find((argument) => !argument.startsWith('-'));
  for (const { name, description, load } of COMMANDS) {
    if (name === asked) (await load())(program);
    else program.command(name).description(description);
  }
  if (asked === undefined && argv.length === 0) program.help({ error: true });
  await program.parseAsync(argv, { from: 'user' });
}

await main(process.argv.slice(2));
