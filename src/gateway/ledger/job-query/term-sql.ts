import { sql, type RawBuilder } from 'kysely';
import {
  WORD_FIELDS,
  type NumberField,
  type TextComparison,
  type WordField,
} from '../../../shared/domain/job-query/fields.ts';
import { fold } from '../../../shared/domain/job-query/fold.ts';
import type {
  Comparison,
  Condition,
  QueryTerm,
  WordPattern,
} from '../../../shared/domain/job-query/job-query.ts';
import { elapsedSeconds, framesIn, framesInAll, framesUndecided, percentDone } from './step-sums.ts';

type Sql = RawBuilder<boolean>;

/** A term about a row `jobs`; says the same as `matchJob` does of its summary. */
export function termSql({ not, condition }: QueryTerm): Sql {
  const holds = conditionSql(condition);
  return not ? sql`NOT COALESCE(${holds}, false)` : holds;
}

export const folded = (text: RawBuilder<unknown>): RawBuilder<string> => sql`lower(${text} COLLATE "C")`;

function conditionSql(condition: Condition): Sql {
  switch (condition.kind) {
    case 'text':
      return textSql(condition.text);
    case 'word':
      return wordSql(condition.field, condition.values);
    case 'label':
      return condition.values.length === 0
        ? sql`jobs.labels ? ${condition.key}::text`
        : fitsAny(sql`(jobs.labels->>${condition.key}::text)`, condition.values, 'equals');
    case 'state':
      return sql`jobs.state = ANY(${[...condition.states]}::job_state[])`;
    case 'verdict':
      // The first condition is that of the index.
      return sql`EXISTS (SELECT FROM steps s JOIN frames f ON f.step_key = s.key WHERE s.job_id = jobs.id
        AND f.verdict IN ('warn', 'fail', 'hold') AND f.verdict = ANY(${[...condition.verdicts]}::text[]))`;
    case 'number':
      return condition.comparison === '='
        ? sql`${numberSql(condition.field)} = ANY(${[...condition.values]}::float8[])`
        : sql`${numberSql(condition.field)} ${OPERATORS[condition.comparison]} ${condition.values[0]}::float8`;
    case 'time':
      return condition.field === 'elapsed'
        ? sql`${elapsedSeconds()} ${OPERATORS[condition.comparison]} ${condition.seconds}::float8`
        : sql`${TIMES[condition.field]} ${REVERSED[condition.comparison]}
            to_timestamp(GREATEST(extract(epoch FROM now())::float8 - ${condition.seconds}::float8, 0))`;
  }
}

const OPERATORS: Record<Comparison, RawBuilder<unknown>> = {
  '=': sql`=`,
  '>': sql`>`,
  '>=': sql`>=`,
  '<': sql`<`,
  '<=': sql`<=`,
};
/** The longer ago, the earlier. */
const REVERSED: Record<Exclude<Comparison, '='>, RawBuilder<unknown>> = {
  '>': sql`<`,
  '>=': sql`<=`,
  '<': sql`>`,
  '<=': sql`>=`,
};
const TIMES = {
  submitted: sql`jobs.submitted_at`,
  started: sql`jobs.started_at`,
  finished: sql`jobs.finished_at`,
} as const;

function numberSql(field: NumberField): RawBuilder<number> {
  if (field === 'priority') return sql`jobs.priority`;
  if (field === 'frames') return framesInAll;
  if (field === 'progress') return percentDone;
  if (field === 'undecided') return framesUndecided;
  return framesIn(field);
}

/** What {@link wordSql} compares, where that is one value of the job. */
const COLUMNS: Partial<Record<WordField, RawBuilder<unknown>>> = {
  name: sql`jobs.name`,
  error: sql`jobs.error`,
  id: sql`jobs.id`,
  owner: sql`jobs.owner`,
  project: sql`jobs.project`,
};

function wordSql(field: WordField, values: readonly WordPattern[]): Sql {
  const { compare } = WORD_FIELDS[field];
  if (field === 'engine')
    return sql`EXISTS (SELECT FROM steps s WHERE s.job_id = jobs.id AND ${fitsAny(sql`s.engine`, values, 'equals')})`;
  if (field === 'worker')
    return sql`EXISTS (SELECT FROM attempts a WHERE a.job_id = jobs.id AND ${fitsAny(sql`a.worker`, values, 'equals')})`;
  const column = COLUMNS[field] ?? sql`(jobs.labels->>${sql.lit(field)})`;
  return fitsAny(column, values, compare);
}

function fitsAny(text: RawBuilder<unknown>, values: readonly WordPattern[], compare: TextComparison): Sql {
  const found = compare === 'exactly' ? text : folded(text);
  const like = values.filter(({ wild }) => wild || compare === 'contains');
  const equal = values.filter((value) => !like.includes(value));
  const asIs = (value: string): string => (compare === 'exactly' ? value : fold(value));
  const parts = [
    ...(equal.length > 0
      ? [sql<boolean>`${found} = ANY(${equal.map((each) => asIs(each.text))}::text[])`]
      : []),
    ...(like.length > 0
      ? [sql<boolean>`${found} LIKE ANY(${like.map((each) => asIs(likePattern(each, compare)))}::text[])`]
      : []),
  ];
  return sql`(${sql.join(parts, sql` OR `)})`;
}

function likePattern({ text, wild }: WordPattern, compare: TextComparison): string {
  const escaped = text.replace(/[\\%_]/g, '\\$&');
  const inner = wild ? escaped.replaceAll('*', '%') : escaped;
  return compare === 'contains' ? `%${inner}%` : inner;
}

function textSql(text: string): Sql {
  const pattern = fold(likePattern({ text, wild: false }, 'contains'));
  return sql`(${folded(sql`jobs.name`)} LIKE ${pattern} OR ${folded(sql`jobs.id`)} LIKE ${pattern}
    OR ${folded(sql`jobs.owner`)} LIKE ${pattern} OR ${folded(sql`jobs.project`)} LIKE ${pattern}
    OR EXISTS (SELECT FROM jsonb_each_text(jobs.labels) l WHERE ${folded(sql`l.value`)} LIKE ${pattern})
    OR EXISTS (SELECT FROM steps s WHERE s.job_id = jobs.id AND ${folded(sql`s.engine`)} LIKE ${pattern}))`;
}
