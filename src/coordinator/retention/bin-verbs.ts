import { sql } from 'kysely';
import { isEndedJob } from '../../shared/domain/states.ts';
import {
  did,
  nothing,
  refused,
  would,
  type ControlContext,
  type ControlOutcome,
  type ControlledJob,
} from '../control/control-context.ts';
import { freedBy } from './freed-space.ts';
import { neededBy } from './needed-by.ts';
import { readRetention } from './retention-days.ts';

/** What can be asked of a job in the bin. */
const IN_BIN: readonly ControlContext['control']['verb'][] = ['delete', 'restore', 'keep', 'note'];

/** The answer to verbs that do not fit a deleted job; undefined for the others. */
export function refusedInBin(
  { id, binned_at, erased_at, binned_by }: ControlledJob,
  verb: ControlContext['control']['verb'],
): ControlOutcome | undefined {
  if (erased_at)
    return refused(
      `Job ${id} was deleted by ${binned_by ?? 'somebody'}; its results were removed at ${erased_at.toISOString()}.`,
    );
  if (binned_at && !IN_BIN.includes(verb))
    return refused('The job is in the bin; "restore" takes it out, and then it can be changed.');
  return undefined;
}

/** Puts an ended job into the bin, or ends its time there. Nothing of it is removed here: that follows, in slices. */
export async function deleteJob(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  const now = control.now === true;
  if (job.erasing) return nothing('The job is being removed already.');
  if (job.binned_at && !now) return nothing('The job is in the bin already.');
  const reason = await whyNot(context);
  if (reason !== undefined) return refused(reason);
  const figures = await freedBy(context);
  if (control.dryRun) return would(context, figures);
  const days = (await readRetention(trx))('bin', job.project);
  await sql`UPDATE jobs SET binned_at = COALESCE(binned_at, now()), binned_by = ${control.by ?? 'unknown'},
      erase_at = ${now ? sql`now()` : days === null ? sql`NULL` : sql`now() + make_interval(days => ${days})`}
    WHERE id = ${job.id}`.execute(trx);
  const outcome = did(context, figures);
  return now ? outcome : { ...outcome, message: `${outcome.message} ${binText(days)}` };
}

const binText = (days: number | null): string =>
  days === null
    ? 'It stays in the bin until it is deleted with --now; "restore" takes it out.'
    : `For ${days} day${days === 1 ? '' : 's'} "restore" takes it out of the bin; then its results are removed.`;

/** Why a job cannot be deleted, in a sentence. */
async function whyNot(context: ControlContext): Promise<string | undefined> {
  const { trx, job, steps } = context;
  if (!isEndedJob(job.state)) return `The job is ${job.state}; cancel it first, and then delete it.`;
  if (
    steps.some((step) => step.sweep !== null || step.queued + step.running > 0) ||
    (await isBeingJudged(context))
  )
    return 'The last frames of the job are still being ended. Delete it again in some seconds.';
  if (job.kept) return 'The job is kept for good; "keep --undo" ends that, and then it can be deleted.';
  const [first, ...others] = await neededBy(trx, [job.id]);
  if (!first) return undefined;
  const more = others.length === 0 ? '' : `, and ${others.length.toLocaleString('en')} more,`;
  return `${first.by}${more} still needs its results; cancel that first, or wait until it has ended.`;
}

/** Frames that do not fit beside their neighbours may be rendered again by themselves. */
async function isBeingJudged({ trx, job }: ControlContext): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM steps WHERE job_id = ${job.id} AND judge_due > 0 LIMIT 1`.execute(
    trx,
  );
  return rows.length > 0;
}

export async function restoreJob(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (!job.binned_at) return nothing('The job is not in the bin.');
  if (job.erasing) return refused('Its results are being removed already; it cannot be restored any more.');
  const { sceneBytes = 0, bytes = 0, ...files } = await freedBy(context);
  const figures = { ...files, bytes: bytes - sceneBytes };
  if (control.dryRun) return would(context, figures);
  await sql`UPDATE jobs SET binned_at = NULL, binned_by = NULL, restored_at = now(), erase_at = NULL, erase_error = NULL
    WHERE id = ${job.id}`.execute(trx);
  return did(context, figures);
}

/** No rule and nobody deletes it, until that is undone. */
export async function keepJob(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  const kept = control.undo !== true;
  if (kept && job.binned_at) return refused('The job is in the bin; "restore" takes it out first.');
  if (job.kept === kept)
    return nothing(kept ? 'The job is kept for good already.' : 'The job was not kept for good.');
  if (control.dryRun) return would(context, {});
  await trx.updateTable('jobs').set({ kept }).where('id', '=', job.id).execute();
  return did(context, {});
}
