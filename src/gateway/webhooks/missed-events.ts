import { sql } from 'kysely';
import { readJobSummaries } from '../../shared/database/job-summaries.ts';
import { NO_MARK, lastingEvents, noticeEvents, type JobMark } from '../events/notice-events.ts';
import type { LedgerTransaction, PlacedEvent } from './record-events.ts';

/** What ended so lately is announced at this moment, as a rule. */
const GRACE_SECONDS = 15;
/** Transactions that lasted until after the last look may have an earlier time. */
const OVERLAP_SECONDS = 600;
const MOST_JOBS = 5_000;

/**
 * What the ledger says and nobody announced, because a coordinator died between the commit and its words, or the stream was
 * lost: jobs that ended or were delivered since the last look, and jobs that are held without that being known. Those that are
 * known already have the same ids.
 */
export async function missedEvents(
  trx: LedgerTransaction,
  sweptAt: Date,
  marks: ReadonlyMap<string, JobMark>,
): Promise<{ events: PlacedEvent[]; marks: Map<string, JobMark> }> {
  const { rows: ended } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE finished_at > ${sweptAt} - make_interval(secs => ${OVERLAP_SECONDS})
      AND finished_at < now() - make_interval(secs => ${GRACE_SECONDS})
    UNION SELECT id FROM jobs WHERE delivered_at > ${sweptAt} - make_interval(secs => ${OVERLAP_SECONDS})
      AND delivered_at < now() - make_interval(secs => ${GRACE_SECONDS})
    LIMIT ${MOST_JOBS}`.execute(trx);
  const events = await eventsOf(
    trx,
    ended.map(({ id }) => id),
  );
  const { rows: held } = await sql<{ id: string }>`
    SELECT id FROM jobs WHERE state IN ('queued', 'running', 'paused', 'held') AND state = 'held'
    LIMIT ${MOST_JOBS}`.execute(trx);
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

async function eventsOf(trx: LedgerTransaction, jobIds: readonly string[]): Promise<PlacedEvent[]> {
  const jobs = await readJobSummaries(trx, jobIds);
  return jobs.flatMap((job) => lastingEvents(job).map((event) => ({ ...event, place: '' })));
}
