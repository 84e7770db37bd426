import { sql } from 'kysely';
import { readJobSummaries } from '../../shared/database/job-summaries.ts';
import { NO_MARK, lastingEvents, noticeEvents, type JobMark } from '../events/notice-events.ts';
import type { SweptTime } from './intake-cursor.ts';
import type { LedgerTransaction, PlacedEvent } from './record-events.ts';

/** Transactions that lasted until after the last look may have an earlier time. */
const OVERLAP_SECONDS = 60;
const JOBS_AT_ONCE = 500;

/**
 * What the ledger says and nobody announced, because a coordinator died between the commit and its words, or the stream was
 * lost: jobs that ended or were delivered in a time, and jobs that are held without that being known. Those that are
 * known already have the same ids.
 */
export async function missedEvents(
  trx: LedgerTransaction,
  { after, until }: SweptTime,
  marks: ReadonlyMap<string, JobMark>,
): Promise<{ events: PlacedEvent[]; marks: Map<string, JobMark> }> {
  const { rows: ended } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE finished_at <= ${until}
      AND finished_at > ${after}::timestamptz - make_interval(secs => ${OVERLAP_SECONDS})
    UNION SELECT id FROM jobs WHERE delivered_at <= ${until}
      AND delivered_at > ${after}::timestamptz - make_interval(secs => ${OVERLAP_SECONDS})`.execute(trx);
  const events: PlacedEvent[] = [];
  for (let at = 0; at < ended.length; at += JOBS_AT_ONCE)
    events.push(...(await eventsOf(trx, ended.slice(at, at + JOBS_AT_ONCE))));
  const { rows: held } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE state IN ('queued', 'running', 'paused', 'held') AND state = 'held'`.execute(
    trx,
  );
  const unknown = held.filter(({ id }) => marks.get(id)?.held !== true);
  const found = new Map<string, JobMark>();
  const at = new Date().toISOString();
  for (const job of await readJobSummaries(
    trx,
    unknown.map(({ id }) => id),
  )) {
    const { events: noticed, mark } = noticeEvents({ job, frames: null }, marks.get(job.id) ?? NO_MARK, at);
    events.push(...noticed.map((event) => ({ ...event, place: 'ledger' })));
    found.set(job.id, mark);
  }
  return { events, marks: found };
}

async function eventsOf(trx: LedgerTransaction, rows: readonly { id: string }[]): Promise<PlacedEvent[]> {
  const jobs = await readJobSummaries(
    trx,
    rows.map(({ id }) => id),
  );
  return jobs.flatMap((job) => lastingEvents(job).map((event) => ({ ...event, place: '' })));
}
