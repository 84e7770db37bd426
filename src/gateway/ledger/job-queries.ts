import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { ControlManyBody, History, JobsPage, Notes } from '../../shared/contracts/api.ts';
import type { JobDetails } from '../../shared/contracts/job-details.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import type { JobQuery, QueryTerm } from '../../shared/domain/job-query/job-query.ts';
import type { JobSort } from '../../shared/domain/job-query/job-sort.ts';
import { parseJobQuery } from '../../shared/domain/job-query/parse-job-query.ts';
import type { JobState } from '../../shared/domain/states.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { readJobDetails } from './job-details.ts';
import { findJobIds, listJobs } from './job-query/list-jobs.ts';

/** Which jobs; all that is said must be true of them. */
export interface JobConditions {
  query?: JobQuery | undefined;
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
}

export interface JobListQuery extends JobConditions {
  sort?: JobSort | undefined;
  limit: number;
  cursor?: string | undefined;
}

const eventCursor = z.tuple([z.string().regex(/^\d{1,18}$/)]);

/** Reads of jobs for people and programs. */
export class JobQueries {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Newest first, where `sort` does not say otherwise. */
  list(request: JobListQuery): Promise<JobsPage> {
    const { sort, limit, cursor } = request;
    return listJobs(this.#ledger, { ...conditionsOf(request), sort, limit, cursor });
  }

  /** Ids of jobs that a filter finds, newest first. */
  idsOf(filter: NonNullable<ControlManyBody['filter']>, most: number): Promise<string[]> {
    const { state = [], query = '', ...others } = filter;
    return findJobIds(
      this.#ledger,
      conditionsOf({ ...others, states: state, query: parseJobQuery(query) }),
      most,
    );
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

/** Conditions as terms where an index finds those, beside them where not. */
function conditionsOf(filter: JobConditions): {
  query: JobQuery;
  exact: RawBuilder<boolean>[];
  others: RawBuilder<boolean>[];
} {
  const { query = [], states, q, batch, owner, project, endedBefore, bin } = filter;
  const terms: QueryTerm[] = [...query];
  if (states.length > 0)
    terms.push({ not: false, condition: { kind: 'state', states: [...new Set(states)] } });
  const others: RawBuilder<boolean>[] = [];
  for (const [field, text] of [
    ['owner', owner],
    ['project', project],
  ] as const) {
    if (text === undefined) continue;
    // The index does not tell cases apart; these parameters do.
    terms.push({ not: false, condition: { kind: 'word', field, values: [{ text, wild: false }] } });
    others.push(sql`${sql.ref(`jobs.${field}`)} = ${text}`);
  }
  if (q !== undefined) others.push(textCondition(q));
  if (endedBefore !== undefined) others.push(sql`jobs.finished_at < ${endedBefore}::timestamptz`);
  return {
    query: terms,
    exact: [
      bin === true ? sql`jobs.binned_at IS NOT NULL AND jobs.erased_at IS NULL` : sql`jobs.binned_at IS NULL`,
      ...(batch === undefined ? [] : [sql<boolean>`jobs.labels->>'batch' = ${batch}`]),
    ],
    others,
  };
}

/** A text in id, name, owner or project; what it holds is no pattern. */
function textCondition(text: string): RawBuilder<boolean> {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return sql<boolean>`(jobs.name ILIKE ${pattern} OR jobs.id ILIKE ${pattern} OR jobs.owner ILIKE ${pattern} OR jobs.project ILIKE ${pattern})`;
}

function noSuchJob(jobId: string): FarmError {
  return new FarmError('not-found', `There is no job ${jobId}.`);
}
