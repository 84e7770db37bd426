import { FarmError, describeValue } from '../errors.ts';
import type { JobState } from '../states.ts';
import type { NumberField, QueryVerdict, TimeField, WordField } from './fields.ts';

/** A text that something is compared with; in a wild one each `*` stands for any characters. */
export interface WordPattern {
  text: string;
  wild: boolean;
}

export type Comparison = '=' | '>' | '>=' | '<' | '<=';

/** What a term says of a job; of several values one is enough. */
export type Condition =
  | { kind: 'text'; text: string }
  | { kind: 'word'; field: WordField; values: readonly WordPattern[] }
  /** Without values: the label is there. */
  | { kind: 'label'; key: string; values: readonly WordPattern[] }
  | { kind: 'state'; states: readonly JobState[] }
  | { kind: 'verdict'; verdicts: readonly QueryVerdict[] }
  | { kind: 'number'; field: NumberField; comparison: Comparison; values: readonly number[] }
  | { kind: 'time'; field: TimeField; comparison: Exclude<Comparison, '='>; seconds: number };

export interface QueryTerm {
  not: boolean;
  condition: Condition;
}

/** All of its terms must be true; none: every job. */
export type JobQuery = readonly QueryTerm[];

export const MAX_QUERY_LENGTH = 2_000;
export const MAX_QUERY_TERMS = 30;
export const MAX_QUERY_VALUES = 50;

/** What is wrong with a query, and where: `at` counts UTF-16 units from 0. */
export class JobQueryError extends FarmError {
  readonly at: number;
  readonly length: number;

  constructor(problem: string, place: { at: number; length: number }, word: string) {
    const where = `at character ${place.at + 1}`;
    super('invalid', `The query is not understood ${where}: ${problem}`, {
      issues: [{ path: 'query', value: `${describeValue(word)} ${where}`, expected: problem }],
    });
    this.name = 'JobQueryError';
    this.at = place.at;
    this.length = place.length;
  }

  /** The sentence without the place, for whoever shows the place. */
  get problem(): string {
    return this.issues[0]?.expected ?? this.message;
  }
}
