import type { Command } from 'commander';
import { parseFrameRange } from '../shared/domain/frame-ranges.ts';
import { addCommonOptions, runCommand, type CommonOptions } from './support/command.ts';
import { EXIT } from './support/exit-codes.ts';
import type { ControlRequest } from './support/farm-client.ts';
import { printable } from './support/output.ts';
import { wholeNumber } from './support/parse-options.ts';

type Verb = 'pause' | 'resume' | 'cancel' | 'retry' | 'priority';

interface ControlOptions extends CommonOptions {
  frames?: string;
  step?: string;
}

export function registerCancel(program: Command): void {
  registerVerb(program, 'cancel', 'end a job: frames under way are stopped, results are kept');
}

export function registerPause(program: Command): void {
  registerVerb(program, 'pause', 'give out no more frames of a job');
}

export function registerResume(program: Command): void {
  registerVerb(program, 'resume', 'go on with a job that was paused or cancelled');
}

export function registerRetry(program: Command): void {
  const command = program
    .command('retry')
    .description('render frames again: those that failed, or those of --frames')
    .argument('<id>', 'the job')
    .option('--frames <range>', 'these frames, such as 1-10,20, whatever became of them')
    .option('--step <name>', 'only frames of this step');
  addCommonOptions(command).action(async (id: string, options: ControlOptions) => {
    await runCommand(options, async (context) => {
      const { frames, step } = options;
      return await control(context, id, 'retry', {
        ...(frames === undefined ? {} : { frames: parseFrameRange(frames).text }),
        ...(step === undefined ? {} : { step }),
      });
    });
  });
}

export function registerPriority(program: Command): void {
  const command = program
    .command('priority')
    .description("change a job's priority, at once")
    .argument('<id>', 'the job')
    .argument('<n>', '0 to 100; higher goes first', wholeNumber(0, 100));
  addCommonOptions(command).action(async (id: string, priority: number, options: CommonOptions) => {
    await runCommand(options, async (context) => await control(context, id, 'priority', { priority }));
  });
}

function registerVerb(program: Command, verb: Verb, description: string): void {
  const command = program.command(verb).description(description).argument('<id>', 'the job');
  addCommonOptions(command).action(async (id: string, options: CommonOptions) => {
    await runCommand(options, async (context) => await control(context, id, verb, {}));
  });
}

type Run = Parameters<typeof runCommand>[1];

async function control(
  { out, farm }: Parameters<Run>[0],
  id: string,
  verb: Verb,
  body: ControlRequest,
): ReturnType<Run> {
  const reply = await (await farm()).control(id, verb, body);
  await out.result(reply, () => printable(reply.message));
  return reply.ok ? EXIT.done : EXIT.failed;
}
