import type { Selectable } from 'kysely';
import type { RefusedRow } from '../../shared/contracts/batch.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import type { InputIssue } from '../../shared/domain/errors.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { TemplateData } from '../intake/template-data.ts';
import type { BatchRow } from './batch-ledger.ts';
import type { ReadRow } from './read-rows.ts';
import { rowDocument, templateData } from './row-document.ts';
import type { RowDocument, RowJobs } from './row-jobs.ts';

const AT_ONCE = 256;
/** A slice ends early where rows take long: whoever cancels waits for it. */
const LONGEST_MS = 4_000;
const MAX_ISSUES = 10;

export interface TakenRows {
  /** From the beginning of the slice. */
  count: number;
  accepted: number;
  refused: RefusedRow[];
}

/** Holds rows against the template's schema and takes the good ones, each as a job. */
export class TakeRows {
  readonly #jobs: RowJobs;
  readonly #templateData: TemplateData;
  readonly #ledger: Ledger;

  constructor(jobs: RowJobs, templateData: TemplateData, ledger: Ledger) {
    this.#jobs = jobs;
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
      const some = rows.slice(taken.count, taken.count + AT_ONCE);
      const found = await this.#takeSome(batch, template, some);
      for (const { row, line } of some) {
        const issues = found.get(row) ?? [];
        if (issues.length === 0) taken.accepted++;
        else taken.refused.push({ row, line, errors: issues.slice(0, MAX_ISSUES) });
      }
      taken.count += some.length;
    }
    return taken;
  }

  /** @returns row → what is wrong with it */
  async #takeSome(
    batch: BatchRow,
    template: Selectable<TemplatesTable>,
    rows: readonly ReadRow[],
  ): Promise<Map<number, readonly InputIssue[]>> {
    const found = new Map<number, readonly InputIssue[]>();
    const good: { row: number; document: RowDocument }[] = [];
    for (const row of rows) {
      const issues = this.#issuesOf(batch, template, row);
      if (issues.length > 0 || 'issues' in row) found.set(row.row, issues);
      else good.push({ row: row.row, document: documentOf(batch, template, row) });
    }
    const documents = good.map(({ document }) => document);
    const outcomes = await (batch.state === 'checking'
      ? this.#jobs.check(documents)
      : this.#jobs.submit(documents));
    for (const [i, { row }] of good.entries()) found.set(row, outcomes[i] ?? []);
    return found;
  }

  #issuesOf(
    { document }: BatchRow,
    template: Selectable<TemplatesTable>,
    row: ReadRow,
  ): readonly InputIssue[] {
    if ('issues' in row) return row.issues;
    const named = `${template.name}@${template.version}`;
    const data = templateData(document, template, row.values);
    return this.#templateData.pointerIssues(named, template.schema, data);
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

function documentOf(
  batch: BatchRow,
  template: Selectable<TemplatesTable>,
  { row, values }: { row: number; values: Readonly<Record<string, unknown>> },
): RowDocument {
  return rowDocument(batch.document, template, { batchId: batch.id, row, values });
}
