import { InvalidArgumentError, type Command } from 'commander';
import type { JobVerb } from '../shared/contracts/messages.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { parseFrameRange } from '../shared/domain/frame-ranges.ts';
import { addAskOptions, askJobs, type AskOptions } from './support/ask-jobs.ts';
import { runCommand } from './support/command.ts';

interface FramesOptions extends AskOptions {
  frames?: string;
  step?: string;
  note?: string;
}

interface ResumeOptions extends AskOptions {
  trustScripts?: boolean;
}

interface CancelOptions extends AskOptions {
  drain?: boolean;
}

export function registerCancel(program: Command): void {
  const command = program
    .command('cancel')
    .description('end jobs: frames under way are stopped, results are kept')
    .argument('<job...>', 'one job or several')
    .option('--drain', 'let frames under way end, and keep them');
  addAskOptions(command).action(async (ids: string[], options: CancelOptions) => {
    const { dryRun, drain } = options;
    await runCommand(options, (context) => askJobs(context, ids, 'cancel', { dryRun, drain }));
  });
}

export function registerPause(program: Command): void {
  registerVerb(program, 'pause', 'give out no more frames of jobs');
}

export function registerResume(program: Command): void {
  const command = program
    .command('resume')
    .description('go on with jobs that were paused, cancelled or held')
    .argument('<job...>', 'one job or several')
    .option('--trust-scripts', 'scripts may run in scenes that were held for them; without it they do not');
  addAskOptions(command).action(async (ids: string[], options: ResumeOptions) => {
    const { dryRun, trustScripts } = options;
    await runCommand(options, (context) => askJobs(context, ids, 'resume', { dryRun, trustScripts }));
  });
}

export function registerRetry(program: Command): void {
  registerFramesVerb(program, 'retry', {
    description: 'render frames again: those that failed or wait for a decision, or those of --frames',
    frames: 'these frames, such as 1-10,20, whatever became of them',
  });
}

export function registerSkip(program: Command): void {
  registerFramesVerb(program, 'skip', {
    description:
      'leave frames out: those that failed or wait for a decision, or those of --frames that have not ended',
    frames: 'these frames, such as 1-10,20',
  });
}

export function registerAccept(program: Command): void {
  registerFramesVerb(program, 'accept', {
    description: 'take results that wait for a decision as they are: all of them, or those of --frames',
    frames: 'these frames, such as 1-10,20',
  });
}

export function registerAddFrames(program: Command): void {
  const command = program
    .command('add-frames')
    .description('render more frames with a job; those it has are left as they are')
    .argument('<job>', 'the job')
    .argument('<range>', 'the frames, such as 101-120', rangeText)
    .option('--step <name>', 'the step, where several have frames');
  addAskOptions(command).action(async (id: string, frames: string, options: FramesOptions) => {
    const { dryRun, step } = options;
    await runCommand(options, (context) => askJobs(context, [id], 'add-frames', { dryRun, frames, step }));
  });
}

function registerVerb(program: Command, verb: JobVerb, description: string): void {
  const command = program.command(verb).description(description).argument('<job...>', 'one job or several');
  addAskOptions(command).action(async (ids: string[], options: AskOptions) => {
    const { dryRun } = options;
    await runCommand(options, (context) => askJobs(context, ids, verb, { dryRun }));
  });
}

function registerFramesVerb(
  program: Command,
  verb: JobVerb,
  texts: { description: string; frames: string },
): void {
  const command = program
    .command(verb)
    .description(texts.description)
    .argument('<job...>', 'one job or several')
    .option('--frames <range>', texts.frames, rangeText)
    .option('--step <name>', 'only frames of this step')
    .option('--note <text>', 'why, for the history');
  addAskOptions(command).action(async (ids: string[], options: FramesOptions) => {
    const { dryRun, frames, step, note } = options;
    await runCommand(options, (context) => askJobs(context, ids, verb, { dryRun, frames, step, note }));
  });
}

/** Checked here, so that a mistyped range is wrong use and not a refusal. */
function rangeText(text: string): string {
  try {
    return parseFrameRange(text).text;
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
}
