import { sql } from 'kysely';
import type { Ledger } from '../../shared/database/connect.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { endTasks } from '../ledger/end-tasks.ts';
import type { StepInfos } from '../ledger/step-info.ts';

interface ReleaseParts {
  lease: LeaderLease;
  steps: StepInfos;
  publisher: TaskPublisher;
  announcer: Announcer;
}

/**
 * Gives tasks back that had been delivered to a worker which is gone, and had not begun: nobody would hear of them until
 * the server delivers them again, minutes later. Tasks that have begun or ended meanwhile are left alone.
 * @param keys of tasks that the worker had in hand.
 * @returns how many it were.
 */
export async function takeBackWaiting(
  parts: ReleaseParts,
  ledger: Ledger,
  keys: readonly string[],
): Promise<number> {
  if (keys.length === 0) return 0;
  const { rows: tasks } = await sql<{ key: string; job_id: string; attempt: string | null }>`
    SELECT key, job_id, attempt FROM tasks WHERE key = ANY(${[...keys]}::bigint[]) AND state = 'queued'`.execute(
    ledger,
  );
  return releaseWaiting(parts, ledger, tasks, 'It waited in the hands of a worker that is gone.');
}

/**
 * Gives back queued tasks that nobody will begin: their frames are ready again, and nothing counts against them.
 * @returns how many still were queued.
 */
export async function releaseWaiting(
  { lease, steps, publisher, announcer }: ReleaseParts,
  ledger: Ledger,
  tasks: readonly { key: string; job_id: string; attempt: string | null }[],
  error: string,
): Promise<number> {
  if (tasks.length === 0) return 0;
  const { ended, changes } = await ledger.transaction().execute(async (trx) => {
    await lease.fence(trx, [...new Set(tasks.map((task) => task.job_id))]);
    return endTasks(trx, steps, tasks, {
      outcome: 'released',
      blame: 'none',
      delaySeconds: 0,
      mayBeHeld: true,
      error,
    });
  });
  for (const [jobId, frames] of changes) announcer.announce(jobId, frames);
  await publisher.remove(ended);
  return ended.length;
}
