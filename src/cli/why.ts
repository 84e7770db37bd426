import type { Command } from 'commander';
import { whySchema, type Why } from '../shared/contracts/manage-api.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { printable } from './support/output.ts';
import { formatSeconds } from './support/table.ts';

export function registerWhy(program: Command): void {
  const command = program
    .command('why')
    .description('say why the frames of a job wait, and when they can be expected to run')
    .argument('<id>', 'the job');
  addCommonOptions(command).action(async (id: string, options: CommonOptions) => {
    await runCommand(options, async ({ out, farm }) => {
      const why = await (await farm()).read(['jobs', id, 'why'], whySchema);
      await out.result(why, () => whyText(why));
      return undefined;
    });
  });
}

function whyText(why: Why): string {
  const others = why.reasons.filter(({ text }) => !why.summary.includes(text));
  return [
    printable(`${why.jobId} is ${why.state}. ${why.summary}`),
    ...others.map(({ text }) => printable(`- ${text}`)),
    ...expectation('first slot', why.firstSlotSeconds),
    ...expectation('end', why.endSeconds),
  ].join('\n');
}

function expectation(what: string, range: Why['endSeconds']): string[] {
  if (range === null) return [];
  const { min, max } = range;
  return [`${what} expected in ${min < 1 ? 'at most' : `${formatSeconds(min)} to`} ${formatSeconds(max)}`];
}
