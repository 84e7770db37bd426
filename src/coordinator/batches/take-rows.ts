import type { Selectable } from 'kysely';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { RefusedRow } from '../../shared/contracts/batch.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import { FarmError, messageOf, type InputIssue } from '../../shared/domain/errors.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { isDataError } from '../ledger/data-error.ts';
import type { Submissions } from '../intake/submission.ts';
import type { TemplateData } from '../intake/template-data.ts';
import type { BatchRow } from './batch-ledger.ts';
import type { ReadRow } from './read-rows.ts';
import { rowDocument, templateData } from './row-document.ts';

const AT_ONCE = 4;
/** A slice ends early where rows take long: whoever cancels waits for it. */
const LONGEST_MS = 4_000;
const MAX_ISSUES = 10;

export interface TakenRows {
  /** From the beginning of the slice. */
  count: number;
  accepted: number;
  refused: RefusedRow[];
}

/** Holds rows against the template's schema and takes the good ones through the ordinary intake, each as a job. */
export class TakeRows {
  readonly #submissions: Submissions;
  readonly #templateData: TemplateData;
  readonly #ledger: Ledger;

  constructor(submissions: Submissions, templateData: TemplateData, ledger: Ledger) {
    this.#submissions = submissions;
    this.#templateData = templateData;
    this.#ledger = ledger;
  }

  /**
   * A batch that is only being checked gets no jobs.
   * @throws FarmError `unavailable`, errors of Postgres: the rows may be taken again.
   */
  async take(batch: BatchRow, rows: readonly ReadRow[]): Promise<TakenRows> {
    const template = await this.#template(batch);
    const until = performance.now() + LONGEST_MS;
    const taken: TakenRows = { count: 0, accepted: 0, refused: [] };
    while (taken.count < rows.length && performance.now() < until) {
      const few = rows.slice(taken.count, taken.count + AT_ONCE);
      const found = await Promise.all(few.map((row) => this.#takeOne(batch, template, row)));
      for (const [i, issues] of found.entries()) {
        const row = few[i];
        if (row === undefined) continue;
        if (issues.length === 0) taken.accepted++;
        else taken.refused.push({ row: row.row, line: row.line, errors: issues.slice(0, MAX_ISSUES) });
      }
      taken.count += few.length;
    }
    return taken;
  }

  /** @returns what is wrong with the row; nothing when it is a job. */
  async #takeOne(
    batch: BatchRow,
    template: Selectable<TemplatesTable>,
    row: ReadRow,
  ): Promise<readonly InputIssue[]> {
    if ('issues' in row) return row.issues;
    const { document } = batch;
    const data = templateData(document, template, row.values);
    const named = `${template.name}@${template.version}`;
    const issues = this.#templateData.pointerIssues(named, template.schema, data);
    if (issues.length > 0) return issues;
    const job = rowDocument(document, template, { batchId: batch.id, row: row.row, values: row.values });
    const bytes = encodeMessage(job);
    try {
      await (batch.state === 'checking' ? this.#submissions.check(bytes) : this.#submissions.submit(bytes));
      return [];
    } catch (error) {
      if (error instanceof FarmError && error.code !== 'unavailable') return refusalOf(error);
      if (isDataError(error))
        return [
          { path: '', value: 'a row that the ledger cannot store', expected: messageOf(error).slice(0, 200) },
        ];
      throw error;
    }
  }

  async #template(batch: BatchRow): Promise<Selectable<TemplatesTable>> {
    return await this.#ledger
      .selectFrom('templates')
      .selectAll()
      .where('name', '=', batch.template)
      .where('version', '=', batch.template_version)
      .executeTakeFirstOrThrow();
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
