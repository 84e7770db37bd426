import { JOB_STATES, type JobState } from '../states.ts';

/** `exactly`: with the case of its letters. */
export type TextComparison = 'contains' | 'equals' | 'exactly';

/** Words that stand for a text; how the text is compared, and which label it is where it is one. */
export const WORD_FIELDS = {
  name: { compare: 'contains' },
  error: { compare: 'contains' },
  id: { compare: 'exactly' },
  owner: { compare: 'equals' },
  project: { compare: 'equals' },
  engine: { compare: 'equals' },
  worker: { compare: 'equals' },
  shot: { compare: 'equals', label: 'shot' },
  sequence: { compare: 'equals', label: 'sequence' },
  version: { compare: 'equals', label: 'version' },
  department: { compare: 'equals', label: 'department' },
  batch: { compare: 'equals', label: 'batch' },
} as const satisfies Record<string, { compare: TextComparison; label?: string }>;
export type WordField = keyof typeof WORD_FIELDS;

/** Figures of a job; those that are named like a state of frames count its frames in it. */
export const NUMBER_FIELDS = [
  'frames',
  'done',
  'failed',
  'held',
  'running',
  'queued',
  'ready',
  'waiting',
  'skipped',
  'cancelled',
  'undecided',
  'progress',
  'priority',
] as const;
export type NumberField = (typeof NUMBER_FIELDS)[number];

/** How long ago something was, and how long a job has been at work. */
export const TIME_FIELDS = ['submitted', 'started', 'finished', 'elapsed'] as const;
export type TimeField = (typeof TIME_FIELDS)[number];

/** Verdicts that are worth looking for: what passed is not told apart from what was not looked at. */
export const QUERY_VERDICTS = ['warn', 'fail', 'hold'] as const;
export type QueryVerdict = (typeof QUERY_VERDICTS)[number];

/** What `state:` takes: states, and words for several of them. */
export const STATE_WORDS: Readonly<Record<string, readonly JobState[]>> = {
  ...Object.fromEntries(JOB_STATES.map((state) => [state, [state]])),
  open: ['queued', 'running', 'paused', 'held'],
  ended: ['completed', 'failed', 'cancelled'],
};

export type QueryField = WordField | NumberField | TimeField | 'state' | 'verdict' | 'label';

/** Every field with what it finds, in the order in which the page offers them. */
export const QUERY_FIELDS: readonly { name: QueryField; example: string; finds: string }[] = [
  { name: 'state', example: 'state:failed,held', finds: 'queued, running, paused …; open or ended' },
  { name: 'owner', example: 'owner:ana', finds: 'whose job it is' },
  { name: 'project', example: 'project:film', finds: 'its project' },
  { name: 'engine', example: 'engine:blender', finds: 'an engine of one of its steps' },
  { name: 'worker', example: 'worker:rn1', finds: 'a worker that renders or rendered some of it' },
  { name: 'shot', example: 'shot:010', finds: 'its label shot' },
  { name: 'sequence', example: 'sequence:sq2', finds: 'its label sequence' },
  { name: 'version', example: 'version:v3', finds: 'its label version' },
  { name: 'department', example: 'department:light', finds: 'its label department' },
  { name: 'label', example: 'label:client=acme', finds: 'any label, with or without its value' },
  { name: 'batch', example: 'batch:b1', finds: 'the batch that it came from' },
  { name: 'name', example: 'name:titles', finds: 'a part of its name' },
  { name: 'error', example: 'error:memory', finds: 'a part of why it stands still or failed' },
  { name: 'id', example: 'id:j5k2', finds: 'its id' },
  { name: 'frames', example: 'frames>100', finds: 'frames in all' },
  { name: 'failed', example: 'failed>0', finds: 'frames that failed' },
  { name: 'done', example: 'done>=1k', finds: 'frames that are done' },
  { name: 'running', example: 'running>0', finds: 'frames that are being rendered' },
  { name: 'held', example: 'held>0', finds: 'frames that are held' },
  { name: 'undecided', example: 'undecided>0', finds: 'frames that wait for a decision on quality' },
  { name: 'queued', example: 'queued>0', finds: 'frames on their way to workers' },
  { name: 'ready', example: 'ready>0', finds: 'frames that may start' },
  { name: 'waiting', example: 'waiting>0', finds: 'frames that wait for others' },
  { name: 'skipped', example: 'skipped>0', finds: 'frames that were skipped' },
  { name: 'cancelled', example: 'cancelled>0', finds: 'frames that were cancelled' },
  { name: 'progress', example: 'progress>=50', finds: 'percent of its frames that are done' },
  { name: 'priority', example: 'priority>=50', finds: 'its priority' },
  { name: 'submitted', example: 'submitted<2h', finds: 'how long ago it was submitted' },
  { name: 'started', example: 'started<1d', finds: 'how long ago it started' },
  { name: 'finished', example: 'finished<1d', finds: 'how long ago it ended' },
  { name: 'elapsed', example: 'elapsed>30m', finds: 'how long it has been at work' },
  { name: 'verdict', example: 'verdict:fail', finds: 'a verdict of some frame: warn, fail or hold' },
];

/** Names that people try first. */
const OTHER_NAMES: Readonly<Record<string, QueryField>> = {
  status: 'state',
  user: 'owner',
  by: 'owner',
  show: 'project',
  renderer: 'engine',
  host: 'worker',
  machine: 'worker',
  node: 'worker',
  prio: 'priority',
  percent: 'progress',
  age: 'submitted',
  created: 'submitted',
  ended: 'finished',
  errors: 'failed',
  tag: 'label',
  seq: 'sequence',
};

const NAMES: readonly string[] = QUERY_FIELDS.map(({ name }) => name);

export const isQueryField = (name: string): name is QueryField => NAMES.includes(name);

/** The field that was probably meant. */
export function nearestField(name: string): QueryField | undefined {
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  return other ?? nearest(name, NAMES as readonly QueryField[]);
}

/** The word that is at most two letters away, or begins with what was written. */
export function nearest<T extends string>(word: string, words: readonly T[]): T | undefined {
  const begun = words.find((each) => word.length >= 2 && each.startsWith(word));
  if (begun !== undefined) return begun;
  const [best] = words
    .map((each) => ({ each, distance: letterDistance(word, each) }))
    .filter(({ distance, each }) => distance <= 2 && distance < each.length - 1)
    .sort((a, b) => a.distance - b.distance);
  return best?.each;
}

/** Letters to add, remove or replace (Levenshtein). */
function letterDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
