import type { JobState } from '../states.ts';
import { WORD_FIELDS, type NumberField, type TextComparison } from './fields.ts';
import type { Comparison, Condition, JobQuery, WordPattern } from './job-query.ts';
import { fold } from './fold.ts';

/** What a query can be held against without asking the farm. */
export interface MatchedJob {
  id: string;
  name: string;
  owner: string;
  project: string;
  labels: Readonly<Record<string, string>>;
  priority: number;
  state: JobState;
  error: string | null;
  frames: Readonly<
    Record<Exclude<NumberField, 'frames' | 'undecided' | 'progress' | 'priority'> | 'total', number>
  >;
  steps: readonly { engine: string }[];
  submittedAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  decisions?: { frames: number } | undefined;
}

/** `undefined`: only the farm knows, as workers and verdicts are not in the summary. */
export type Match = boolean | undefined;

/** Whether a job is one that the query finds, as the farm would say at this moment. */
export function matchJob(query: JobQuery, job: MatchedJob, nowMs: number): Match {
  let sure = true;
  for (const { not, condition } of query) {
    const holds = conditionHolds(condition, job, nowMs);
    if (holds === undefined) sure = false;
    else if (holds === not) return false;
  }
  return sure ? true : undefined;
}

/** Whether the farm has to be asked about some jobs. */
export const asksTheFarm = (query: JobQuery): boolean =>
  query.some(({ condition }) => condition.kind === 'verdict' || isWorker(condition));

const isWorker = (condition: Condition): boolean => condition.kind === 'word' && condition.field === 'worker';

function conditionHolds(condition: Condition, job: MatchedJob, nowMs: number): Match {
  switch (condition.kind) {
    case 'text':
      return holdsText(condition.text, job);
    case 'word': {
      const texts = wordsOf(condition.field, job);
      if (texts === undefined) return undefined;
      const { compare } = WORD_FIELDS[condition.field];
      return condition.values.some((value) => texts.some((text) => fits(value, text, compare)));
    }
    case 'label': {
      const value = Object.hasOwn(job.labels, condition.key) ? job.labels[condition.key] : undefined;
      if (value === undefined) return false;
      return condition.values.length === 0 || condition.values.some((each) => fits(each, value, 'equals'));
    }
    case 'state':
      return condition.states.includes(job.state);
    case 'verdict':
      return undefined;
    case 'number':
      return condition.values.some((value) =>
        compares(numberOf(condition.field, job), condition.comparison, value),
      );
    case 'time': {
      const seconds = secondsOf(condition.field, job, nowMs);
      return seconds !== undefined && compares(seconds, condition.comparison, condition.seconds);
    }
  }
}

/** Anything that a person may remember of a job. */
function holdsText(text: string, job: MatchedJob): boolean {
  const wanted = fold(text);
  const texts = [job.name, job.id, job.owner, job.project, ...job.steps.map((step) => step.engine)];
  return [...texts, ...Object.values(job.labels)].some((each) => fold(each).includes(wanted));
}

function wordsOf(field: keyof typeof WORD_FIELDS, job: MatchedJob): string[] | undefined {
  switch (field) {
    case 'worker':
      return undefined;
    case 'engine':
      return job.steps.map((step) => step.engine);
    case 'error':
      return job.error === null ? [] : [job.error];
    case 'name':
    case 'id':
    case 'owner':
    case 'project':
      return [job[field]];
    default: {
      const key = WORD_FIELDS[field].label;
      const value = Object.hasOwn(job.labels, key) ? job.labels[key] : undefined;
      return value === undefined ? [] : [value];
    }
  }
}

function fits({ text, wild }: WordPattern, value: string, compare: TextComparison): boolean {
  const wanted = compare === 'exactly' ? text : fold(text);
  const found = compare === 'exactly' ? value : fold(value);
  const contains = compare === 'contains';
  if (!wild) return contains ? found.includes(wanted) : found === wanted;
  return hasParts(found, wanted.split('*'), contains);
}

/** Whether the parts follow each other in a text: each at its first place, so that it takes no longer than the text is long. */
function hasParts(text: string, parts: readonly string[], anywhere: boolean): boolean {
  const [first = '', ...others] = parts;
  const last = anywhere ? '' : (others.pop() ?? '');
  if (!anywhere && !text.startsWith(first)) return false;
  let at = anywhere ? 0 : first.length;
  for (const part of anywhere ? parts : others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function numberOf(field: NumberField, job: MatchedJob): number {
  switch (field) {
    case 'priority':
      return job.priority;
    case 'frames':
      return job.frames.total;
    case 'undecided':
      return job.decisions?.frames ?? 0;
    case 'progress':
      return job.frames.total === 0 ? 0 : Math.floor((job.frames.done / job.frames.total) * 100);
    default:
      return job.frames[field];
  }
}

function secondsOf(
  field: 'submitted' | 'started' | 'finished' | 'elapsed',
  job: MatchedJob,
  nowMs: number,
): number | undefined {
  if (field === 'elapsed') {
    if (job.startedAt === null) return undefined;
    const end = job.finishedAt === null ? nowMs : Date.parse(job.finishedAt);
    return (end - Date.parse(job.startedAt)) / 1_000;
  }
  const at = { submitted: job.submittedAt, started: job.startedAt, finished: job.finishedAt }[field];
  return at === null ? undefined : (nowMs - Date.parse(at)) / 1_000;
}

function compares(value: number, comparison: Comparison, wanted: number): boolean {
  switch (comparison) {
    case '=':
      return value === wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
  }
}
