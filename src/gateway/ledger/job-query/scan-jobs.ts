import { sql, type RawBuilder } from 'kysely';
import type { Ledger } from '../../../shared/database/connect.ts';
import type { JobQuery } from '../../../shared/domain/job-query/job-query.ts';
import { startOf, type ScanStart } from './scan-start.ts';
import { termSql } from './term-sql.ts';

/** A job's place in a list by time: as exact as Postgres keeps it, and its id. */
export interface JobPlace {
  time: string;
  id: string;
}

export interface Scan {
  query: JobQuery;
  /** What jobs must be beside it; an index finds those that fit, or all of them are few. */
  exact: readonly RawBuilder<boolean>[];
  /** What is looked at job by job. */
  others: readonly RawBuilder<boolean>[];
  descending: boolean;
  after: JobPlace | undefined;
  most: number;
}

export interface Scanned {
  found: JobPlace[];
  /** Where to go on; undefined: there are no more. */
  next: JobPlace | undefined;
}

/** A request looks at so many jobs one by one; where that was not enough for a page, the next one goes on from there. */
export const MOST_LOOKED_AT = 50_000;

/** A query that takes longer is ended: it would keep a connection from others. */
const LONGEST_SCAN_MS = 5_000;

/** What terms say of a job without asking other tables; the document is left where it is. */
const COLUMNS = sql`id, name, owner, project, labels, priority, state, error, submitted_at, started_at, finished_at`;
const EXACT_TIME = sql<string>`to_char(jobs.submitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;

interface Row extends JobPlace {
  /** By which it was found. */
  value: string;
  fits: boolean;
  /** The last one that was looked at, with more behind it. */
  stopped: boolean;
  /** In the order of the list, as the database has it. */
  rank: number;
}

/** Finds jobs by time, from an index of the most telling term on. */
export async function scanJobs(ledger: Ledger, scan: Scan): Promise<Scanned> {
  const { start, rest } = startOf(scan.query);
  const rows = await ledger.transaction().execute(async (transaction) => {
    // Without statistics the planner would rather read and sort the whole table than walk along an index.
    await sql`SET LOCAL enable_sort = off`.execute(transaction);
    await sql`SET LOCAL enable_seqscan = off`.execute(transaction);
    await sql`SET LOCAL statement_timeout = ${sql.lit(LONGEST_SCAN_MS)}`.execute(transaction);
    return (await statement(scan, start, rest).execute(transaction)).rows;
  });
  return merge(rows, start.values, scan.most);
}

function statement(scan: Scan, start: ScanStart, rest: JobQuery): RawBuilder<Row> {
  const direction = scan.descending ? sql`DESC` : sql`ASC`;
  const byTime = sql`ORDER BY jobs.submitted_at ${direction}, jobs.id ${direction}`;
  const exact = [start.condition, ...scan.exact, ...afterPlace(scan)];
  const fits = [...rest.map(termSql), ...scan.others];
  const all =
    fits.length === 0 ? sql<boolean>`true` : sql<boolean>`COALESCE(${sql.join(fits, sql` AND `)}, false)`;
  return sql<Row>`
    SELECT f.value, f.id, f.time, f.fits, f.stopped,
      row_number() OVER (ORDER BY f.submitted_at ${direction}, f.id ${direction})::int AS rank
    FROM unnest(${[...start.values]}::text[]) v(value) CROSS JOIN LATERAL (
      SELECT v.value, jobs.id, jobs.submitted_at, ${EXACT_TIME} AS time, ${all} AS fits,
        jobs.place = ${sql.lit(MOST_LOOKED_AT)} AS stopped
      FROM (
        SELECT ${COLUMNS}, row_number() OVER (${byTime}) AS place FROM jobs
        WHERE ${sql.join(exact, sql` AND `)} ${byTime} LIMIT ${sql.lit(MOST_LOOKED_AT)}
      ) jobs
      WHERE jobs.place = ${sql.lit(MOST_LOOKED_AT)} OR ${all}
      ${byTime} LIMIT ${scan.most + 1}
    ) f`;
}

function afterPlace({ after, descending }: Scan): RawBuilder<boolean>[] {
  if (!after) return [];
  const place = sql`((${after.time}::timestamp AT TIME ZONE 'UTC'), ${after.id}::text)`;
  return [sql`(jobs.submitted_at, jobs.id) ${descending ? sql`<` : sql`>`} ${place}`];
}

/** The jobs of all starts in one order, as far as each of them has been looked through. */
function merge(rows: readonly Row[], values: readonly string[], most: number): Scanned {
  const inOrder = rows.toSorted((a, b) => a.rank - b.rank);
  const ends = values.flatMap((value) => {
    const own = inOrder.filter((row) => row.value === value);
    if (own.length > most) return own[most - 1] ?? [];
    return own.find((row) => row.stopped) ?? [];
  });
  const end = ends.toSorted((a, b) => a.rank - b.rank)[0];
  const reached = inOrder.filter((row) => row.fits && (!end || row.rank <= end.rank));
  const found = reached.slice(0, most).map(placeOf);
  return { found, next: reached.length > most ? found.at(-1) : end && placeOf(end) };
}

const placeOf = ({ time, id }: Row): JobPlace => ({ time, id });
