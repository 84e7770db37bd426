import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FarmHome } from '../local/farm-home.ts';
import { startLocalFarm } from '../local/local-farm.ts';
import { demoText } from './demo/demo-text.ts';
import { ensureVideoEngine } from './demo/ensure-video-engine.ts';
import { loadExamples, planExamples, VIDEO_ENGINE, type ExamplePlan } from './demo/examples.ts';
import { runExample, type DemoJob } from './demo/run-example.ts';
import { engineHint } from './support/missing-engines.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { startDetached } from './support/detached-farm.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import { FarmClient } from './support/farm-client.ts';
import { Progress } from './support/progress.ts';
import { registerExampleTemplates } from './support/templates.ts';

interface DemoCommandOptions extends CommonOptions {
  keep?: boolean;
  output: string;
}

export function registerDemo(program: Command): void {
  const command = program
    .command('demo')
    .description('render the examples: starts a farm if none runs, and takes frames and videos home')
    .option('--keep', 'leave the farm running afterwards')
    .option('--output <dir>', 'where frames and videos go', 'farmhand-demo');
  addCommonOptions(command).action(async (options: DemoCommandOptions) => {
    await runCommand(options, async (context) => await demo(context, options));
  });
}

/** A farm for the demo, and what ends it when the demo started it for itself. */
interface DemoFarm {
  client: FarmClient;
  stop: () => Promise<void>;
}

async function demo(context: CommandContext, options: DemoCommandOptions): Promise<ExitCode> {
  const { out, signal } = context;
  const { client, stop } = await findOrStartFarm(context, options);
  try {
    await registerExampleTemplates(client, { signal });
    const engines = await client.offeredEngines();
    const plan = planExamples(await loadExamples(), engines);
    for (const line of gaps(plan)) out.note(line);
    const progress = new Progress(out);
    const folder = resolve(options.output);
    const jobs = await allOf(
      plan.run.map((example) =>
        runExample(example, { client, progress, signal, folder, noVideo: plan.noVideo }),
      ),
    );
    progress.end();
    const dashboard = client.dashboard;
    await out.result({ dashboard, jobs, skipped: plan.skipped }, () => demoText(jobs));
    if (options.keep === true) out.note(`The farm goes on: ${dashboard}`);
    return isComplete(jobs) ? EXIT.done : EXIT.failed;
  } finally {
    await stop();
  }
}

async function findOrStartFarm(context: CommandContext, options: DemoCommandOptions): Promise<DemoFarm> {
  const { out, signal } = context;
  const home = new FarmHome();
  const named = options.farm ?? process.env['FARMHAND_URL'] ?? '';
  const nothing = (): Promise<void> => Promise.resolve();
  if (named !== '' || home.running()?.url !== undefined)
    return { client: await context.farm(), stop: nothing };
  await ensureVideoEngine((line) => out.note(line));
  out.note('starting a farm …');
  if (options.keep === true) {
    await startDetached(home, [], context);
    return { client: await context.farm(), stop: nothing };
  }
  const farm = await startLocalFarm({ progress: (line) => out.note(line), signal });
  const client = new FarmClient({ url: farm.url, token: farm.token, signal });
  out.note(`The farm is up: ${client.dashboard}`);
  return {
    client,
    stop: async () => {
      out.note('stopping the farm … (demo --keep leaves it running, with its page)');
      await farm.stop();
    },
  };
}

function gaps({ skipped, noVideo }: ExamplePlan): string[] {
  const lines = skipped.map(
    ({ name, missing }) =>
      `The example ${name} is left out: no worker has ${missing.map((engine) => `${engine} (get it: ${engineHint(engine)})`).join(', ')}.`,
  );
  if (noVideo) lines.push(`No videos are made: no worker has FFmpeg (get it: ${engineHint(VIDEO_ENGINE)}).`);
  return lines;
}

/** Waits for all before it throws: the farm must not be stopped under the others. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/** Every frame of every job accepted, and there was something to render. */
function isComplete(jobs: readonly DemoJob[]): boolean {
  return jobs.length > 0 && jobs.every((job) => job.frames > 0 && job.done === job.frames);
}
