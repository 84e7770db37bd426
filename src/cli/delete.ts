import { InvalidArgumentError, type Command } from 'commander';
import type { ControlManyReply } from '../shared/contracts/api.ts';
import { controlSentence } from '../shared/contracts/control-sentence.ts';
import { sumFigures } from '../shared/domain/control-figures.ts';
import { ENDED_JOB_STATES } from '../shared/domain/states.ts';
import { addAskOptions, askedBy, askJobs, type AskOptions } from './support/ask-jobs.ts';
import { runCommand, type CommandContext } from './support/command.ts';
import { EXIT, UsageError, type ExitCode } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { allJobs } from './support/pages.ts';
import { oneOf } from './support/parse-options.ts';
import { count } from './support/table.ts';

/** A slice is answered well within the time that the farm waits for its coordinators. */
const JOBS_A_SLICE = 100;

interface DeleteOptions extends AskOptions {
  now?: boolean;
  owner?: string;
  project?: string;
  state?: string;
  olderThan?: number;
}

export function registerDelete(program: Command): void {
  const command = program
    .command('delete')
    .description('put ended jobs into the bin; their results are removed when their time there is over')
    .argument('[job...]', 'one job or several; none: those that the options find')
    .option('--owner <name>', 'ended jobs of this owner')
    .option('--project <name>', 'ended jobs of this project')
    .option(
      '--state <state>',
      `ended jobs in this state: ${ENDED_JOB_STATES.join(', ')}`,
      oneOf(ENDED_JOB_STATES),
    )
    .option('--older-than <days>', 'jobs that ended so long ago, such as 30d', days)
    .option('--now', 'remove their results at once: nobody can restore them');
  addAskOptions(command).action(async (ids: string[], options: DeleteOptions) => {
    await runCommand(options, async (context) => {
      const { dryRun, now } = options;
      const chosen = [options.owner, options.project, options.state, options.olderThan];
      const byQuery = chosen.some((value) => value !== undefined);
      if (byQuery === ids.length > 0)
        throw new UsageError(
          'Name jobs, or say which ended ones with --owner, --project, --state or --older-than; not both, and not neither.',
        );
      if (!byQuery) return await askJobs(context, ids, 'delete', { dryRun, now });
      return await deleteFound(context, options);
    });
  });
}

export function registerRestore(program: Command): void {
  const command = program
    .command('restore')
    .description('take jobs out of the bin')
    .argument('<job...>', 'one job or several; "jobs --bin" lists those in the bin');
  addAskOptions(command).action(async (ids: string[], options: AskOptions) => {
    const { dryRun } = options;
    await runCommand(options, (context) => askJobs(context, ids, 'restore', { dryRun }));
  });
}

export function registerKeep(program: Command): void {
  const command = program
    .command('keep')
    .description('keep jobs for good: no rule and nobody deletes them')
    .argument('<job...>', 'one job or several')
    .option('--undo', 'let the rules decide again');
  addAskOptions(command).action(async (ids: string[], options: AskOptions & { undo?: boolean }) => {
    const { dryRun, undo } = options;
    await runCommand(options, (context) => askJobs(context, ids, 'keep', { dryRun, undo }));
  });
}

/** Slice by slice; what was done of it stays done when it is stopped in the middle. */
async function deleteFound(context: CommandContext, options: DeleteOptions): Promise<ExitCode> {
  const { out, farm, signal } = context;
  const client = await farm();
  const ids = await idsOf(context, options);
  if (ids.length === 0) {
    await out.result({ ok: true, message: 'No such job.', jobs: [] }, () => 'No such job.');
    return EXIT.done;
  }
  const asked = { verb: 'delete' as const, now: options.now };
  const replies: ControlManyReply[] = [];
  for (let from = 0; from < ids.length; from += JOBS_A_SLICE) {
    signal.throwIfAborted();
    const slice = ids.slice(from, from + JOBS_A_SLICE);
    replies.push(await client.controlMany({ ...askedBy(), ...asked, dryRun: options.dryRun, ids: slice }));
    if (ids.length > JOBS_A_SLICE)
      out.note(`${Math.min(ids.length, from + JOBS_A_SLICE)} of ${count(ids.length, 'job')}`);
  }
  const jobs = replies.flatMap((reply) => reply.jobs);
  const figures = sumFigures(replies.map((reply) => reply.figures ?? {}));
  const refused = jobs.filter((job) => !job.ok);
  const touched = jobs.filter((job) => job.ok && job.told && (options.dryRun === true || job.changed)).length;
  const sentence =
    touched === 0
      ? 'Nothing is deleted.'
      : controlSentence(options.dryRun === true ? 'would' : 'did', asked, figures, touched);
  const reply = { ok: refused.length === 0, message: sentence, figures, jobs };
  await out.result(reply, () => printable(sentence));
  for (const job of refused) out.note(printable(`${job.id}: ${job.message}`));
  if (options.dryRun === true) out.note('Nothing was changed.');
  return reply.ok ? EXIT.done : EXIT.failed;
}

async function idsOf({ farm }: CommandContext, options: DeleteOptions): Promise<string[]> {
  const { owner, project, state = ENDED_JOB_STATES.join(','), olderThan } = options;
  const ids: string[] = [];
  const query = {
    state,
    limit: Infinity,
    ...(owner === undefined ? {} : { owner }),
    ...(project === undefined ? {} : { project }),
    ...(olderThan === undefined
      ? {}
      : { endedBefore: new Date(Date.now() - olderThan * 86_400_000).toISOString() }),
  };
  for await (const { id } of allJobs(await farm(), query)) ids.push(id);
  return ids;
}

function days(text: string): number {
  const [, number] = /^(\d{1,5})d?$/.exec(text.trim()) ?? [];
  if (number === undefined) throw new InvalidArgumentError('Expected a number of days such as 30d.');
  return Number(number);
}
