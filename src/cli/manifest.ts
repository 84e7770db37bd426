import type { Command } from 'commander';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { addFileOptions, selectionOf, type FileOptions } from './support/file-options.ts';

interface ManifestOptions extends CommonOptions, FileOptions {
  csv?: boolean;
}

export function registerManifest(program: Command): void {
  const command = program
    .command('manifest')
    .description(
      "print what a job's files are: name, size, SHA-256, worker, engine, verdict; JSON by default",
    )
    .argument('<id>', 'the job')
    .option('--csv', 'as a table');
  addCommonOptions(addFileOptions(command)).action(async (id: string, options: ManifestOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const client = await farm();
      const format = options.csv === true ? 'csv' : 'json';
      for await (const text of client.manifest(id, { ...selectionOf(options), format }))
        await out.write(text);
      return undefined;
    });
  });
}
