import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { Attempt, Attempts } from '../../shared/contracts/api.ts';
import type { WorkerAttempts } from '../../shared/contracts/worker-api.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, describeValue } from '../../shared/domain/errors.ts';
import { formatFrames } from '../../shared/domain/frame-ranges.ts';
import { taskOfAttempt } from '../../shared/domain/ids.ts';
import { decodeCursor, pageOf } from './cursor.ts';

/** Where an attempt's log is to be looked for. */
export interface AttemptLog {
  jobId: string;
  taskId: string;
  ended: boolean;
  /** Its object, once the attempt has ended and stored it. */
  logKey: string | null;
}

const attemptCursor = z.tuple([
  z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/),
  z.string().max(160),
]);

const exactStart = sql<string>`to_char(attempts.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;

const isOlderThan = (place: z.infer<typeof attemptCursor> | undefined): RawBuilder<boolean> =>
  place === undefined
    ? sql`true`
    : sql`(attempts.started_at, attempts.id) < ((${place[0]}::timestamp AT TIME ZONE 'UTC'), ${place[1]})`;

export class AttemptQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Newest first. */
  async list(jobId: string, limit: number, cursor: string | undefined): Promise<Attempts> {
    const after = decodeCursor(attemptCursor, cursor);
    const rows = await this.#ledger
      .selectFrom('attempts')
      .innerJoin('tasks', 'tasks.key', 'attempts.task_key')
      .innerJoin('steps', 'steps.key', 'tasks.step_key')
      .select([
        'attempts.id',
        'attempts.task_key',
        'attempts.worker',
        'attempts.outcome',
        'attempts.class',
        'attempts.error',
        'attempts.started_at',
        'attempts.ended_at',
        'tasks.frames',
        'steps.name as step',
      ])
      .select(exactStart.as('exact_time'))
      .where('attempts.job_id', '=', jobId)
      .where(isOlderThan(after))
      .orderBy('attempts.started_at', 'desc')
      .orderBy('attempts.id', 'desc')
      .limit(limit + 1)
      .execute();
    const { page, next } = pageOf(rows, limit, (last) => [last.exact_time, last.id]);
    const attempts = page.map((row): Attempt => ({
      id: row.id,
      taskId: taskOfAttempt(row.id),
      step: row.step,
      frames: formatFrames(row.frames),
      worker: row.worker,
      outcome: row.outcome,
      class: row.class,
      error: row.error,
      startedAt: row.started_at.toISOString(),
      endedAt: row.ended_at?.toISOString() ?? null,
    }));
    return { attempts, next };
  }

  /** What a worker was given, newest first. */
  async ofWorker(worker: string, limit: number, cursor: string | undefined): Promise<WorkerAttempts> {
    const after = decodeCursor(attemptCursor, cursor);
    const rows = await this.#ledger
      .selectFrom('attempts')
      .innerJoin('tasks', 'tasks.key', 'attempts.task_key')
      .innerJoin('steps', 'steps.key', 'tasks.step_key')
      .innerJoin('jobs', 'jobs.id', 'attempts.job_id')
      .select(['attempts.id', 'attempts.job_id', 'attempts.outcome', 'attempts.class', 'attempts.error'])
      .select([
        'attempts.started_at',
        'attempts.ended_at',
        'tasks.frames',
        'steps.name as step',
        'steps.engine',
      ])
      .select([sql<string>`left(jobs.name, 200)`.as('name'), sql<Date>`now()`.as('now')])
      .select(exactStart.as('exact_time'))
      .where('attempts.worker', '=', worker)
      .where(isOlderThan(after))
      .orderBy('attempts.started_at', 'desc')
      .orderBy('attempts.id', 'desc')
      .limit(limit + 1)
      .execute();
    const { page, next } = pageOf(rows, limit, (last) => [last.exact_time, last.id]);
    return {
      now: (rows[0]?.now ?? new Date()).toISOString(),
      attempts: page.map((row) => ({
        id: row.id,
        job: row.job_id,
        name: row.name,
        step: row.step,
        engine: row.engine,
        frames: formatFrames(row.frames),
        outcome: row.outcome,
        class: row.class,
        error: row.error,
        startedAt: row.started_at.toISOString(),
        endedAt: row.ended_at?.toISOString() ?? null,
      })),
      next,
    };
  }

  /**
   * @param jobId when given, the attempt must be of this job.
   * @throws FarmError `not-found`
   */
  async log(attempt: string, jobId?: string): Promise<AttemptLog> {
    const row = await this.#ledger
      .selectFrom('attempts')
      .select(['job_id', 'ended_at', 'log_key'])
      .where('id', '=', attempt)
      .$if(jobId !== undefined, (q) => q.where('job_id', '=', jobId ?? ''))
      .executeTakeFirst();
    if (!row) {
      const where = jobId === undefined ? '' : ` of job ${jobId}`;
      throw new FarmError('not-found', `There is no attempt ${describeValue(attempt)}${where}.`);
    }
    return {
      jobId: row.job_id,
      taskId: taskOfAttempt(attempt),
      ended: row.ended_at !== null,
      logKey: row.log_key,
    };
  }
}
