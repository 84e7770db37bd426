import type { Command } from 'commander';
import { checkMachine, type Check } from '../local/check-machine.ts';
import { FarmHome } from '../local/farm-home.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';

export function registerDoctor(program: Command): void {
  addCommonOptions(
    program.command('doctor').description('Say what this machine lacks for a farm, and how to get it.'),
  ).action((options: CommonOptions) => runCommand(options, doctor));
}

async function doctor({ out }: CommandContext): Promise<ExitCode> {
  const checks = await checkMachine(new FarmHome());
  await out.result({ ok: checks.every(isFine), checks }, () => checks.map(formatCheck).join('\n'));
  return checks.every(isFine) ? EXIT.done : EXIT.failed;
}

const isFine = (check: Check): boolean => check.ok || !check.required;

function formatCheck({ name, ok, required, found, fix }: Check): string {
  const mark = ok ? 'ok     ' : required ? 'MISSING' : 'absent ';
  return `${mark}  ${name}: ${found}${fix === undefined ? '' : `\n         → ${fix}`}`;
}
