import { sql, type RawBuilder } from 'kysely';
import { fold } from '../../../shared/domain/job-query/fold.ts';
import type { JobQuery, QueryTerm } from '../../../shared/domain/job-query/job-query.ts';
import { folded, termSql } from './term-sql.ts';

/** Where a search begins: jobs that an index has in the list's order, by each of a few values `v.value`. */
export interface ScanStart {
  condition: RawBuilder<boolean>;
  values: readonly string[];
}

/** More values than these are looked for job by job. */
const MOST_VALUES = 10;

/** From the most telling field on; the expressions are those of the indexes (migration `job-lists`). */
const INDEXED = {
  id: sql<boolean>`jobs.id = v.value`,
  shot: sql<boolean>`${folded(sql`(jobs.labels->>'shot')`)} = v.value`,
  owner: sql<boolean>`${folded(sql`jobs.owner`)} = v.value`,
  project: sql<boolean>`${folded(sql`jobs.project`)} = v.value`,
  state: sql<boolean>`jobs.state = v.value::job_state`,
} as const;
type Indexed = keyof typeof INDEXED;

/** @returns where to begin, and what is left to be looked at job by job. */
export function startOf(query: JobQuery): { start: ScanStart; rest: JobQuery } {
  const since = query.filter(isSinceWhen);
  const others = query.filter((term) => !isSinceWhen(term));
  const within = since.map(termSql);
  for (const field of Object.keys(INDEXED) as Indexed[]) {
    const term = others.find((each) => valuesOf(each, field) !== undefined);
    const values = term && valuesOf(term, field);
    if (!values) continue;
    return {
      start: { condition: sql`${sql.join([INDEXED[field], ...within], sql` AND `)}`, values },
      rest: others.filter((each) => each !== term),
    };
  }
  return {
    start: { condition: sql.join<boolean>([sql`true`, ...within], sql` AND `), values: [''] },
    rest: others,
  };
}

/** The list's own order bounds what is looked at. */
const isSinceWhen = ({ not, condition }: QueryTerm): boolean =>
  !not && condition.kind === 'time' && condition.field === 'submitted';

/** What the field has to be, where the term says exactly that. */
function valuesOf({ not, condition }: QueryTerm, field: Indexed): string[] | undefined {
  if (not) return undefined;
  if (condition.kind === 'state') return field === 'state' ? [...condition.states] : undefined;
  if (condition.kind !== 'word' || condition.field !== field) return undefined;
  if (condition.values.length > MOST_VALUES || condition.values.some(({ wild }) => wild)) return undefined;
  const texts = condition.values.map(({ text }) => text);
  return [...new Set(field === 'id' ? texts : texts.map(fold))];
}
