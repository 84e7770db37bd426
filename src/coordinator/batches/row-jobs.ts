import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { JobDocument } from '../../shared/contracts/job-document.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError, messageOf, type InputIssue } from '../../shared/domain/errors.ts';
import { documentSha256 } from '../intake/document-hash.ts';
import type { PlannedJob } from '../intake/job-plan.ts';
import type { Submissions } from '../intake/submission.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { isDataError } from '../ledger/data-error.ts';
import { insertJobs, type JobToInsert } from '../ledger/insert-jobs.ts';
import { FIRST_FRAMES } from '../ledger/job-repository.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';

/** So many, a few milliseconds, are checked before the coordinator's other work gets its turn. */
const CHECKED_IN_A_ROW = 64;

/** A document with the id that makes it the same job however often it is sent. */
export type RowDocument = JobDocument & { id: string };

interface CheckedRow {
  document: RowDocument;
  /** What is wrong with it, or the plan of its job. */
  outcome: { issues: readonly InputIssue[] } | { plan: PlannedJob };
}

interface Parts {
  submissions: Submissions;
  announcer: Announcer;
  wakeUps: WakeUps;
}

/** Makes jobs of many documents with few statements; each is checked as one that is sent by itself. */
export class RowJobs {
  readonly #parts: Parts;
  readonly #ledger: Ledger;

  constructor(parts: Parts, ledger: Ledger) {
    this.#parts = parts;
    this.#ledger = ledger;
  }

  /**
   * @returns for each document what is wrong with it; nothing where it could be a job
   * @throws FarmError `unavailable`, errors of Postgres
   */
  async check(documents: readonly RowDocument[]): Promise<(readonly InputIssue[])[]> {
    const rows = await this.#plan(documents);
    return rows.map(({ outcome }) => ('issues' in outcome ? outcome.issues : []));
  }

  /**
   * @returns for each document what is wrong with it; nothing where it is a job now, or was one already
   * @throws FarmError `unavailable`, errors of Postgres: all may be sent again
   */
  async submit(documents: readonly RowDocument[]): Promise<(readonly InputIssue[])[]> {
    const rows = await this.#plan(documents);
    const taken = new Set<string>();
    for (const group of groupsOf(rows)) for (const id of await this.#insert(group)) taken.add(id);
    for (const id of await this.#equalJobs(rows.filter((row) => !taken.has(row.document.id)))) taken.add(id);
    const found: (readonly InputIssue[])[] = [];
    for (const { document, outcome } of rows)
      if (taken.has(document.id)) found.push([]);
      else if ('issues' in outcome) found.push(outcome.issues);
      // The ledger refuses it, or has another job of its id: as a single document it is told why.
      else found.push(await issuesOf(() => this.#parts.submissions.submit(encodeMessage(document))));
    return found;
  }

  /**
   * A row that is a job already is not refused for what has changed since.
   * @returns ids of the jobs that were made of equal documents
   */
  async #equalJobs(rows: readonly CheckedRow[]): Promise<string[]> {
    if (rows.length === 0) return [];
    const known = await this.#ledger
      .selectFrom('jobs')
      .select(['id', 'document_sha256'])
      .where(
        'id',
        'in',
        rows.map(({ document }) => document.id),
      )
      .execute();
    const hashes = new Map(known.map((job) => [job.id, job.document_sha256]));
    const isEqual = ({ document }: CheckedRow): boolean =>
      hashes.get(document.id) === documentSha256(document);
    return rows.filter(isEqual).map(({ document }) => document.id);
  }

  async #plan(documents: readonly RowDocument[]): Promise<CheckedRow[]> {
    const rows: CheckedRow[] = [];
    for (const document of documents) {
      let plan: PlannedJob | undefined;
      const issues = await issuesOf(async () => {
        plan = await this.#parts.submissions.check(encodeMessage(document));
      });
      rows.push({ document, outcome: plan ? { plan } : { issues } });
      if (rows.length % CHECKED_IN_A_ROW === 0) await yieldToOthers();
    }
    return rows;
  }

  /** @returns ids of the jobs that were written */
  async #insert(jobs: readonly JobToInsert[]): Promise<string[]> {
    const { announcer, wakeUps } = this.#parts;
    let written: Map<string, boolean>;
    try {
      written = await insertJobs(this.#ledger, jobs);
    } catch (error) {
      if (!isDataError(error)) throw error;
      if (jobs.length === 1) return [];
      // One of them cannot be stored: the others can.
      const half = Math.ceil(jobs.length / 2);
      return [...(await this.#insert(jobs.slice(0, half))), ...(await this.#insert(jobs.slice(half)))];
    }
    for (const id of written.keys()) announcer.announce(id);
    if (written.size > 0) wakeUps.feeder.wake();
    if ([...written.values()].includes(false)) wakeUps.expander.wake();
    return [...written.keys()];
  }
}

/** As many jobs in a statement as have the frames of one large job. */
function groupsOf(rows: readonly CheckedRow[]): JobToInsert[][] {
  const groups: JobToInsert[][] = [];
  let room = 0;
  for (const { document, outcome } of rows) {
    if (!('plan' in outcome)) continue;
    const frames = outcome.plan.steps.reduce((sum, step) => sum + step.frameTotal, 0);
    if (frames > room) {
      groups.push([]);
      room = FIRST_FRAMES;
    }
    groups.at(-1)?.push({ id: document.id, plan: outcome.plan });
    room -= frames;
  }
  return groups;
}

/** @throws what is not the document's fault */
async function issuesOf(work: () => Promise<unknown>): Promise<readonly InputIssue[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof FarmError && error.code !== 'unavailable') return refusalOf(error);
    if (!isDataError(error)) throw error;
    return [
      { path: '', value: 'a row that the ledger cannot store', expected: messageOf(error).slice(0, 200) },
    ];
  }
}

/** Paths in the job's document, as far as the row gave it: `steps[0].data.title` → `/title`. */
function refusalOf(error: FarmError): InputIssue[] {
  if (error.issues.length === 0)
    return [{ path: '', value: 'this row', expected: messageOf(error).slice(0, 300) }];
  return error.issues.map(({ path, ...issue }) => ({
    path: path
      .replace(/^(steps\[0\]\.)?data\b/, '')
      .replaceAll(/[.[]/g, '/')
      .replaceAll(']', ''),
    ...issue,
  }));
}
