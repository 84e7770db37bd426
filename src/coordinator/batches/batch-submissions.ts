import { sql, type Selectable } from 'kysely';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { BatchDocument, BatchSubmission } from '../../shared/contracts/batch.ts';
import { DEFAULT_OWNER, DEFAULT_PROJECT } from '../../shared/contracts/job-document.ts';
import { readBatchSummary } from '../../shared/database/batch-summaries.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { TemplatesTable } from '../../shared/database/schema.ts';
import { FarmError, InvalidInputError, describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import { newId } from '../../shared/domain/new-id.ts';
import { patternColumns } from '../../shared/domain/row-name.ts';
import { documentSha256 } from '../intake/document-hash.ts';
import type { Submissions } from '../intake/submission.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { rowDocument } from './row-document.ts';
import type { RowsFiles } from './rows-file.ts';

interface Parts {
  submissions: Submissions;
  files: RowsFiles;
  wakeUps: WakeUps;
}

/** Takes batches, and ends them. What belongs to all rows is checked at once; the rows themselves while they become jobs. */
export class BatchSubmissions {
  readonly #parts: Parts;
  readonly #ledger: Ledger;

  constructor(parts: Parts, ledger: Ledger) {
    this.#parts = parts;
    this.#ledger = ledger;
  }

  /** @throws FarmError `invalid` with every issue, `conflict`, `unavailable`. */
  async submit(document: BatchDocument): Promise<BatchSubmission> {
    const known = await this.#find(document);
    if (known) return await this.#existing(known, document);
    const template = await this.#check(document);
    const id = document.id ?? newId('b');
    const inserted = await this.#insert(id, document, template);
    if (!inserted) {
      const row = await this.#find({ ...document, id });
      if (!row) throw new Error(`Batch ${id} is refused as a duplicate of a batch that is not there`);
      return await this.#existing(row, document);
    }
    this.#parts.wakeUps.batches.wake();
    return { batch: await this.#summary(id), existing: false };
  }

  /** Rows that are not jobs yet never become any; those that are, are cancelled. @throws FarmError `not-found` */
  async cancel(id: string, by: string): Promise<BatchSubmission> {
    const { rows } = await sql`UPDATE batches SET state = 'cancelling', cancelled_by = ${by}
      WHERE id = ${id} AND state IN ('checking', 'expanding', 'expanded') RETURNING id`.execute(this.#ledger);
    this.#parts.wakeUps.batches.wake();
    return { batch: await this.#summary(id), existing: rows.length === 0 };
  }

  async #summary(id: string): Promise<BatchSubmission['batch']> {
    const batch = await readBatchSummary(this.#ledger, id);
    if (!batch) throw new FarmError('not-found', `There is no batch ${id}.`);
    return batch;
  }

  async #check(document: BatchDocument): Promise<Selectable<TemplatesTable>> {
    const issues: InputIssue[] = [];
    const template = await this.#template(document, issues);
    try {
      await this.#parts.files.open(document.rows);
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      issues.push(...error.issues);
    }
    if (template) issues.push(...patternIssues(document), ...(await this.#jobIssues(document, template)));
    if (issues.length > 0 || !template) throw new InvalidInputError('The batch', issues);
    return template;
  }

  async #template(
    { template: reference }: BatchDocument,
    issues: InputIssue[],
  ): Promise<Selectable<TemplatesTable> | undefined> {
    const [name = '', version] = reference.replace(/^template:/, '').split('@');
    const template = await this.#ledger
      .selectFrom('templates')
      .selectAll()
      .where('name', '=', name)
      .$if(version !== undefined, (q) => q.where('version', '=', Number(version)))
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (!template)
      issues.push({
        path: 'template',
        value: describeValue(reference),
        expected: 'a template of this farm (GET /api/templates lists them)',
      });
    return template;
  }

  /** What is wrong with every row's job, whatever its data: frames, output, requirements. */
  async #jobIssues(document: BatchDocument, template: Selectable<TemplatesTable>): Promise<InputIssue[]> {
    const job = rowDocument(document, template, { batchId: document.id ?? newId('b'), row: 1, values: {} });
    try {
      await this.#parts.submissions.check(encodeMessage(job));
      return [];
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      return error.issues
        .filter(({ path }) => !/^(steps\[0\]\.)?data\b/.test(path))
        .map((issue) => ({
          ...issue,
          path: issue.path.replace(/^steps\[0\]\./, '').replace(/^steps\[1\]\.output\.format/, 'encode'),
        }));
    }
  }

  async #insert(
    id: string,
    document: BatchDocument,
    template: Selectable<TemplatesTable>,
  ): Promise<{ id: string } | undefined> {
    return await this.#ledger
      .insertInto('batches')
      .values({
        id,
        name: document.name,
        owner: document.owner ?? DEFAULT_OWNER,
        project: document.project ?? DEFAULT_PROJECT,
        idempotency_key: document.idempotencyKey ?? null,
        document: JSON.stringify(document),
        document_sha256: documentSha256(document),
        template: template.name,
        template_version: template.version,
        state: document.strict === true ? 'checking' : 'expanding',
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
  }

  async #find(document: BatchDocument): Promise<{ id: string; document_sha256: string } | undefined> {
    const { id, idempotencyKey, owner = DEFAULT_OWNER } = document;
    if (id === undefined && idempotencyKey === undefined) return undefined;
    return await this.#ledger
      .selectFrom('batches')
      .select(['id', 'document_sha256'])
      .where((where) =>
        where.or([
          where('id', '=', id ?? ''),
          where.and([where('owner', '=', owner), where('idempotency_key', '=', idempotencyKey ?? '')]),
        ]),
      )
      .orderBy((order) => order('id', '=', id ?? ''), 'desc')
      .executeTakeFirst();
  }

  async #existing(
    row: { id: string; document_sha256: string },
    document: BatchDocument,
  ): Promise<BatchSubmission> {
    if (row.document_sha256 === documentSha256(document))
      return { batch: await this.#summary(row.id), existing: true };
    const what = row.id === document.id ? 'id' : 'idempotencyKey';
    throw new FarmError(
      'conflict',
      `There is a batch ${row.id} with the same ${what} and another document; use a new ${what}, or send the same document.`,
      { issues: [{ path: what, value: describeValue(document[what]), expected: `a new ${what}` }] },
    );
  }
}

/** Columns whose names begin with `$` are about the row. */
function patternIssues({ namePattern }: BatchDocument): InputIssue[] {
  const reserved = patternColumns(namePattern ?? '').filter((column) => column.startsWith('$'));
  return reserved.map((column) => ({
    path: 'namePattern',
    value: describeValue(`{${column}}`),
    expected: 'columns whose names do not begin with $',
  }));
}
