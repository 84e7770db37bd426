import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { ControlManyBody, History, JobsPage, Notes } from '../../shared/contracts/api.ts';
import type { JobDetails } from '../../shared/contracts/job-details.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { selectJobSummaries, toJobSummary } from '../../shared/database/job-summaries.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { JobState } from '../../shared/domain/states.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { readJobDetails } from './job-details.ts';

export interface JobListQuery {
  states: readonly JobState[];
  /** Looked for in id, name, owner and project. */
  q?: string | undefined;
  /** Only jobs with the label of this batch. */
  batch?: string | undefined;
  owner?: string | undefined;
  project?: string | undefined;
  /** Only jobs that ended before this time (ISO 8601). */
  endedBefore?: string | undefined;
  /** Jobs in the bin instead of the others. */
  bin?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

const jobCursor = z.tuple([z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/), z.string().max(64)]);
const eventCursor = z.tuple([z.string().regex(/^\d{1,18}$/)]);

/** Reads of jobs for people and programs. */
export class JobQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Newest first. */
  async list(query: JobListQuery): Promise<JobsPage> {
    const after = decodeCursor(jobCursor, query.cursor);
    // JavaScript's dates end at milliseconds; the cursor needs all that Postgres sorts by.
    const exactTime = sql<string>`to_char(jobs.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
    const rows = await selectJobSummaries(this.#ledger)
      .select(exactTime.as('exact_time'))
      .where(inBin(query.bin === true))
      .$if(query.states.length > 0, (q) => q.where('jobs.state', 'in', query.states))
      .$if(query.owner !== undefined, (q) => q.where('jobs.owner', '=', query.owner ?? ''))
      .$if(query.project !== undefined, (q) => q.where('jobs.project', '=', query.project ?? ''))
      .$if(query.endedBefore !== undefined, (q) =>
        q.where(sql<boolean>`jobs.finished_at < ${query.endedBefore}::timestamptz`),
      )
      .$if(query.q !== undefined, (q) => q.where(textCondition(query.q ?? '')))
      .$if(query.batch !== undefined, (q) => q.where(sql<boolean>`jobs.labels->>'batch' = ${query.batch}`))
      .$if(after !== undefined, (q) =>
        q.where(
          sql<boolean>`(jobs.submitted_at, jobs.id) < ((${after?.[0]}::timestamp AT TIME ZONE 'UTC'), ${after?.[1]})`,
        ),
      )
      .orderBy('jobs.submitted_at', 'desc')
      .orderBy('jobs.id', 'desc')
      .limit(query.limit + 1)
      .execute();
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    return { jobs: page.map(toJobSummary), next: last ? encodeCursor([last.exact_time, last.id]) : null };
  }

  /** Ids of jobs that a filter finds, newest first. */
  async idsOf(filter: NonNullable<ControlManyBody['filter']>, most: number): Promise<string[]> {
    const { state, owner, project, q, endedBefore, bin } = filter;
    const rows = await this.#ledger
      .selectFrom('jobs')
      .select('jobs.id')
      .where(inBin(bin === true))
      .$if(endedBefore !== undefined, (query) =>
        query.where(sql<boolean>`jobs.finished_at < ${endedBefore}::timestamptz`),
      )
      .$if(state !== undefined, (query) => query.where('jobs.state', 'in', state ?? []))
      .$if(owner !== undefined, (query) => query.where('jobs.owner', '=', owner ?? ''))
      .$if(project !== undefined, (query) => query.where('jobs.project', '=', project ?? ''))
      .$if(q !== undefined, (query) => query.where(textCondition(q ?? '')))
      .orderBy('jobs.submitted_at', 'desc')
      .limit(most)
      .execute();
    return rows.map((row) => row.id);
  }

  /** @throws FarmError `not-found` */
  async get(jobId: string): Promise<JobDetails> {
    await this.assertExists(jobId);
    const [job] = await readJobDetails(this.#ledger, [jobId]);
    if (!job) throw noSuchJob(jobId);
    return job;
  }

  /** What was asked for, as it was taken. @throws FarmError `not-found` */
  async document(jobId: string): Promise<JobDocument> {
    await this.assertExists(jobId);
    const row = await this.#ledger
      .selectFrom('jobs')
      .select('document')
      .where('id', '=', jobId)
      .executeTakeFirst();
    if (!row) throw noSuchJob(jobId);
    return row.document;
  }

  /** @throws FarmError `not-found` */
  async assertExists(jobId: string): Promise<void> {
    const row = await this.#ledger
      .selectFrom('jobs')
      .select(['binned_by', 'binned_at', 'erased_at'])
      .where('id', '=', jobId)
      .executeTakeFirst();
    if (!row) throw noSuchJob(jobId);
    if (row.erased_at)
      throw new FarmError(
        'not-found',
        `Job ${jobId} was deleted by ${row.binned_by ?? 'somebody'} at ${(row.binned_at ?? row.erased_at).toISOString()}; its results are gone.`,
      );
  }

  /** Newest first. */
  async history(jobId: string, limit: number, cursor: string | undefined): Promise<History> {
    const before = decodeCursor(eventCursor, cursor)?.[0];
    const rows = await this.#ledger
      .selectFrom('job_events')
      .select(['key', 'kind', 'actor', 'message', 'ok', 'at'])
      .where('job_id', '=', jobId)
      .$if(before !== undefined, (q) => q.where('key', '<', before ?? ''))
      .orderBy('key', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      events: page.map(({ kind, actor, message, ok, at }) => ({
        kind,
        actor,
        message,
        ok,
        at: at.toISOString(),
      })),
      next: last ? encodeCursor([last.key]) : null,
    };
  }

  /** What people wrote about a job, newest first. */
  async notes(jobId: string, limit: number, cursor: string | undefined): Promise<Notes> {
    const before = decodeCursor(eventCursor, cursor)?.[0];
    const rows = await this.#ledger
      .selectFrom('job_notes')
      .select(['key', 'author', 'text', 'at'])
      .where('job_id', '=', jobId)
      .$if(before !== undefined, (q) => q.where('key', '<', before ?? ''))
      .orderBy('key', 'desc')
      .limit(limit + 1)
      .execute();
    const page = rows.slice(0, limit);
    const last = rows.length > limit ? page.at(-1) : undefined;
    return {
      notes: page.map(({ author, text, at }) => ({ author, text, at: at.toISOString() })),
      next: last ? encodeCursor([last.key]) : null,
    };
  }
}

const inBin = (bin: boolean): RawBuilder<boolean> =>
  bin
    ? sql<boolean>`jobs.binned_at IS NOT NULL AND jobs.erased_at IS NULL`
    : sql<boolean>`jobs.binned_at IS NULL`;

/** A text in id, name, owner or project; what it holds is no pattern. */
function textCondition(text: string): RawBuilder<boolean> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return sql<boolean>`(jobs.name ILIKE ${pattern} OR jobs.id ILIKE ${pattern} OR jobs.owner ILIKE ${pattern} OR jobs.project ILIKE ${pattern})`;
}

function noSuchJob(jobId: string): FarmError {
  return new FarmError('not-found', `There is no job ${jobId}.`);
}
