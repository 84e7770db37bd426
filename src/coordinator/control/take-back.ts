import { sql } from 'kysely';
import { endTasks, type EndedTask } from '../ledger/end-tasks.ts';
import type { ControlContext } from './control-context.ts';

/** Tasks of the job that no worker has started. */
export async function queuedTasks(
  { trx, job }: Pick<ControlContext, 'trx' | 'job'>,
  stepKeys?: readonly string[],
): Promise<{ key: string; attempt: string | null }[]> {
  let query = trx
    .selectFrom('tasks')
    .select(['key', 'attempt'])
    .where('job_id', '=', job.id)
    .where('state', '=', 'queued');
  if (stepKeys !== undefined)
    query = query.where('step_key', '=', sql<string>`ANY(${[...stepKeys]}::bigint[])`);
  return query.execute();
}

/** Ends tasks that have not begun: their frames are `ready` again, to be cut as the job now wants it. */
export async function takeBack(
  { trx, infos }: Pick<ControlContext, 'trx' | 'infos'>,
  tasks: readonly { key: string; attempt: string | null }[],
  why: string,
): Promise<EndedTask[]> {
  if (tasks.length === 0) return [];
  const { ended } = await endTasks(trx, infos, tasks, {
    outcome: 'released',
    blame: 'none',
    delaySeconds: 0,
    mayBeHeld: true,
    error: why,
  });
  return ended;
}
