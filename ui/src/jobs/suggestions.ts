import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import {
  NUMBER_FIELDS,
  QUERY_FIELDS,
  QUERY_VERDICTS,
  STATE_WORDS,
  TIME_FIELDS,
} from '../../../src/shared/domain/job-query/fields.ts';
import { enginesOf } from './job-list.ts';

export interface Suggestion {
  /** What is put in, in the place of `from`–`to`. */
  text: string;
  hint: string;
  from: number;
  to: number;
}

/** Values that this page knows, by field. */
export type KnownValues = Readonly<Record<string, readonly string[]>>;

const AT_MOST = 8;

/** What could be written where the cursor is: fields, or values of the field before it. */
export function suggestionsFor(text: string, cursor: number, known: KnownValues): Suggestion[] {
  const from = text.slice(0, cursor).search(/\S*$/);
  const word = text.slice(from, cursor);
  const minus = word.startsWith('-') ? 1 : 0;
  const colon = /^-?([a-z]+)[:=](?:.*,)?/i.exec(word);
  if (colon) {
    const begun = word.slice(colon[0].length).toLowerCase();
    const values = known[colon[1]?.toLowerCase() ?? ''] ?? [];
    return values
      .filter((value) => value.toLowerCase().startsWith(begun) && value.toLowerCase() !== begun)
      .slice(0, AT_MOST)
      .map((value) => ({ text: written(value), hint: '', from: from + colon[0].length, to: cursor }));
  }
  if (/[<>"]/.test(word)) return [];
  const begun = word.slice(minus).toLowerCase();
  return QUERY_FIELDS.filter(({ name }) => name.startsWith(begun))
    .slice(0, AT_MOST)
    .map(({ name, example, finds }) => ({
      text: `${name}${operatorOf(name)}`,
      hint: `${finds}, as in ${example}`,
      from: from + minus,
      to: cursor,
    }));
}

function operatorOf(name: string): string {
  if ((TIME_FIELDS as readonly string[]).includes(name)) return '<';
  return (NUMBER_FIELDS as readonly string[]).includes(name) ? '>' : ':';
}

const written = (value: string): string =>
  /^[^\s,"*]+$/.test(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`;

/** Of the jobs on the page; states and verdicts are all known. */
export function knownValues(jobs: readonly JobSummary[], workers: readonly string[]): KnownValues {
  const label = (key: string): string[] =>
    distinct(jobs.flatMap((job) => (Object.hasOwn(job.labels, key) ? (job.labels[key] ?? []) : [])));
  return {
    state: Object.keys(STATE_WORDS),
    verdict: QUERY_VERDICTS,
    owner: distinct(jobs.map((job) => job.owner)),
    project: distinct(jobs.map((job) => job.project)),
    engine: distinct(jobs.flatMap(enginesOf)),
    worker: workers,
    shot: label('shot'),
    sequence: label('sequence'),
    version: label('version'),
    department: label('department'),
    batch: label('batch'),
    label: distinct(jobs.flatMap((job) => Object.keys(job.labels))),
  };
}

const distinct = (values: readonly string[]): string[] =>
  [...new Set(values)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
