import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { JobsPage } from '../../../shared/contracts/api.ts';
import type { Ledger } from '../../../shared/database/connect.ts';
import { readJobSummaries } from '../../../shared/database/job-summaries.ts';
import type { JobQuery } from '../../../shared/domain/job-query/job-query.ts';
import {
  MOST_SORTED_JOBS,
  NEWEST_FIRST,
  type JobSort,
  type JobSortKey,
} from '../../../shared/domain/job-query/job-sort.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import { TOO_LONG } from '../too-long.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { scanJobs, type JobPlace, type Scan } from './scan-jobs.ts';
import { elapsedSeconds, framesIn, framesInAll, percentDone } from './step-sums.ts';
import { folded } from './term-sql.ts';

export interface JobListRequest {
  query: JobQuery;
  exact: readonly RawBuilder<boolean>[];
  others: readonly RawBuilder<boolean>[];
  sort?: JobSort | undefined;
  limit: number;
  cursor?: string | undefined;
}

const timeCursor = z.tuple([z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/), z.string().max(64)]);

/** With the time of the first page in seconds: what grows while somebody turns pages is as it was then. */
const keyCursor = (by: SortedBy) =>
  z.tuple([
    z.literal(by),
    isText(by) ? z.string().max(400) : z.number(),
    ...timeCursor.def.items,
    z.number().min(0).max(1e11),
  ]);
const isText = (by: SortedBy): boolean => by === 'name' || by === 'owner' || by === 'project';

/**
 * A page of the jobs that a query finds. `sortedAmong` says that more match than were sorted.
 * @throws InvalidInputError for a cursor of another list
 */
export async function listJobs(ledger: Ledger, request: JobListRequest): Promise<JobsPage> {
  const { query, exact, others, sort = NEWEST_FIRST, limit, cursor } = request;
  const scan = { query, exact, others, descending: sort.descending };
  if (sort.by !== 'submitted') return listSorted(ledger, { ...scan, limit, cursor, by: sort.by });
  const place = decodeCursor(timeCursor, cursor);
  const after = place && { time: place[0], id: place[1] };
  const { found, next } = await scanJobs(ledger, { ...scan, after, most: limit });
  return {
    jobs: await summariesOf(ledger, found),
    next: next ? encodeCursor([next.time, next.id]) : null,
  };
}

/** A verb for all that a query finds looks at every job of the farm, if need be; no longer than this. */
const LONGEST_WALK_MS = 30_000;

/**
 * Ids of jobs that a query finds, newest first, at most `most`; however many have to be looked at.
 * @throws FarmError `invalid` when that takes too long
 */
export async function findJobIds(
  ledger: Ledger,
  request: Pick<JobListRequest, 'query' | 'exact' | 'others'>,
  most: number,
): Promise<string[]> {
  const ids: string[] = [];
  let after: JobPlace | undefined;
  const endMs = performance.now() + LONGEST_WALK_MS;
  do {
    if (performance.now() > endMs) throw new FarmError('invalid', TOO_LONG);
    const scan: Scan = { ...request, descending: true, after, most: most - ids.length };
    const { found, next } = await scanJobs(ledger, scan);
    ids.push(...found.map(({ id }) => id));
    after = next;
  } while (after && ids.length < most);
  return ids;
}

/** What the ledger sorts by; what has not begun or not ended comes before all that has. */
const keysAt = (seconds: number): Record<SortedBy, RawBuilder<string | number>> => ({
  name: folded(sql`jobs.name`),
  owner: folded(sql`jobs.owner`),
  project: folded(sql`jobs.project`),
  state: sql`array_position(enum_range(NULL::job_state), jobs.state)::float8`,
  progress: percentDone,
  frames: framesInAll,
  running: framesIn('running'),
  failed: framesIn('failed'),
  priority: sql`jobs.priority::float8`,
  elapsed: sql`COALESCE(${elapsedSeconds(sql`to_timestamp(${seconds}::float8)`)}, -1)`,
  finished: sql`COALESCE(extract(epoch FROM jobs.finished_at)::float8, -1)`,
});

type SortedBy = Exclude<JobSortKey, 'submitted'>;

interface SortedList extends Omit<Scan, 'after' | 'most'> {
  by: SortedBy;
  limit: number;
  cursor: string | undefined;
}

async function listSorted(ledger: Ledger, { by, limit, cursor, ...scan }: SortedList): Promise<JobsPage> {
  const after = decodeCursor(keyCursor(by), cursor);
  const newest = { ...scan, descending: true, after: undefined, most: MOST_SORTED_JOBS };
  const { found, next } = await scanJobs(ledger, newest);
  const at = after?.[4] ?? Date.now() / 1_000;
  const asked = { by, at, descending: scan.descending, after, most: limit + 1 };
  const rows = await sortedPage(ledger, found, asked);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    jobs: await summariesOf(ledger, page),
    next: last ? encodeCursor([by, last.key, last.time, last.id, at]) : null,
    ...(next ? { sortedAmong: found.length } : {}),
  };
}

async function sortedPage(
  ledger: Ledger,
  found: readonly JobPlace[],
  page: {
    by: SortedBy;
    /** Of the first page, in seconds. */
    at: number;
    descending: boolean;
    after: z.infer<ReturnType<typeof keyCursor>> | undefined;
    most: number;
  },
): Promise<(JobPlace & { key: string | number })[]> {
  const { by, at, descending, after, most } = page;
  const type = isText(by) ? sql`text COLLATE "C"` : sql`float8`;
  const place = sql`((${after?.[2]}::timestamp AT TIME ZONE 'UTC'), ${after?.[3]}::text)`;
  const key = sql`${after?.[1]}::${type}`;
  const isAfter = after
    ? sql`(j.key ${descending ? sql`<` : sql`>`} ${key} OR (j.key = ${key} AND (j.submitted_at, j.id) < ${place}))`
    : sql`true`;
  const { rows } = await sql<JobPlace & { key: string | number }>`
    SELECT j.id, j.key, to_char(j.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS time FROM (
      SELECT jobs.id, jobs.submitted_at, ${keysAt(at)[by]} AS key FROM jobs
      WHERE jobs.id = ANY(${found.map(({ id }) => id)}::text[])
    ) j WHERE ${isAfter}
    ORDER BY j.key ${descending ? sql`DESC` : sql`ASC`}, j.submitted_at DESC, j.id DESC LIMIT ${most}`.execute(
    ledger,
  );
  return rows;
}

/** In the order that was found; a job that was erased meanwhile is left out. */
async function summariesOf(ledger: Ledger, found: readonly { id: string }[]): Promise<JobsPage['jobs']> {
  const jobs = await readJobSummaries(
    ledger,
    found.map(({ id }) => id),
  );
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return found.flatMap(({ id }) => byId.get(id) ?? []);
}
