import { sql } from 'kysely';
import {
  did,
  hasEnded,
  noSuchStep,
  nothing,
  openFigures,
  refused,
  stepsAskedFor,
  would,
  type ControlContext,
  type ControlOutcome,
} from './control-context.ts';
import { queuedTasks, takeBack } from './take-back.ts';

export async function setPriority(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  const { priority = job.priority } = control;
  if (hasEnded(context))
    return refused(`The job has ended (${job.state}); its priority means nothing any more.`);
  if (priority === job.priority) return nothing(`The priority is ${priority} already.`);
  const figures = openFigures(context.steps);
  if (control.dryRun) return would(context, figures);
  await trx.updateTable('jobs').set({ priority }).where('id', '=', job.id).execute();
  // What was given out ahead of others goes behind them at once.
  const removed =
    priority < job.priority
      ? await takeBack(context, await queuedTasks(context), 'The priority of the job was lowered.')
      : [];
  return did(context, figures, { removed });
}

/** Changes how a step's frames are cut into tasks; what waits in tasks of the old size is cut anew. */
export async function setChunk(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (hasEnded(context)) return refused(`The job has ended (${job.state}); nothing of it is cut any more.`);
  const asked = stepsAskedFor(context);
  if (!asked) return noSuchStep(context);
  const chunk = control.chunk === undefined ? undefined : String(control.chunk);
  const { targetSeconds } = control;
  const changed = asked.filter(
    (step) =>
      (chunk !== undefined && chunk !== step.chunk) ||
      (targetSeconds !== undefined && targetSeconds !== step.target_seconds),
  );
  if (changed.length === 0) return nothing('The chunks are like that already.');
  const figures = { ...openFigures(changed), steps: changed.length };
  if (control.dryRun) return would(context, figures);
  const keys = changed.map((step) => step.key);
  await sql`UPDATE steps SET chunk = COALESCE(${chunk ?? null}::text, chunk),
      target_seconds = COALESCE(${targetSeconds ?? null}::float8, target_seconds)
    WHERE key = ANY(${keys}::bigint[])`.execute(trx);
  const tasks = await queuedTasks(context, keys);
  return did(context, figures, {
    removed: await takeBack(context, tasks, 'The size of chunks was changed.'),
  });
}

export async function setLimits(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  const running = control.running ?? null;
  if (hasEnded(context)) return refused(`The job has ended (${job.state}); nothing of it runs any more.`);
  if (running === job.limit_running)
    return nothing(running === null ? 'The job has no limit already.' : `The limit is ${running} already.`);
  const figures = openFigures(context.steps);
  if (control.dryRun) return would(context, figures);
  await trx.updateTable('jobs').set({ limit_running: running }).where('id', '=', job.id).execute();
  // Tasks that wait would run beyond a lower limit.
  const lowered = running !== null && (job.limit_running === null || running < job.limit_running);
  const removed = lowered
    ? await takeBack(context, await queuedTasks(context), 'The limit of the job was lowered.')
    : [];
  return did(context, figures, { removed });
}

/** Notes are for people: any job can have one, in any state. */
export async function addNote(context: ControlContext): Promise<ControlOutcome> {
  const { trx, job, control } = context;
  if (control.dryRun) return would(context, {});
  await trx
    .insertInto('job_notes')
    .values({ job_id: job.id, author: control.by ?? 'unknown', text: control.note ?? '' })
    .execute();
  return did(context, {});
}
