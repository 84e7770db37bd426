import type { Worker } from '../../../src/shared/contracts/api.ts';

const KEYS = ['state', 'engine', 'tag', 'site'] as const;
type Key = (typeof KEYS)[number];

/** What a filter's text asks for: every term must fit; of words with commas between, one of them. */
export interface WorkerFilter {
  terms: { key: Key; words: string[] }[];
  /** Found in a worker's id, host, site, tags or engines. */
  texts: string[];
}

/** `state:busy,paused engine:blender site:berlin render-7`. What has no known key is text. Pure. */
export function parseWorkerFilter(text: string): WorkerFilter {
  const filter: WorkerFilter = { terms: [], texts: [] };
  for (const part of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = part.indexOf(':');
    const key = KEYS.find((known) => known === part.slice(0, at));
    const words = part
      .slice(at + 1)
      .split(',')
      .filter(Boolean);
    if (key === undefined) filter.texts.push(part);
    else if (words.length > 0) filter.terms.push({ key, words });
  }
  return filter;
}

/** Pure. */
export function fitsFilter(worker: Worker, { terms, texts }: WorkerFilter): boolean {
  return (
    terms.every(({ key, words }) => words.some((word) => WORDS[key](worker).includes(word))) &&
    texts.every((text) => textOf(worker).includes(text))
  );
}

const WORDS: Record<Key, (worker: Worker) => string[]> = {
  // `here`: all that are not gone.
  state: ({ state }) =>
    isGone(state) ? [state] : [state, 'here', ...(state === 'busy' ? ['rendering'] : [])],
  engine: ({ engines }) => engines.map(({ id }) => id.toLowerCase()),
  tag: ({ tags }) => tags.map((tag) => tag.toLowerCase()),
  site: ({ site }) => (site === null ? [] : [site.toLowerCase()]),
};

const textOf = ({ id, host, site, tags, engines }: Worker): string =>
  [id, host, site ?? '', ...tags, ...engines.map((engine) => `${engine.id} ${engine.version}`)]
    .join(' ')
    .toLowerCase();

/** It is not there any more, or not at the moment. */
export const isGone = (state: Worker['state']): boolean => state === 'lost' || state === 'offline';

export const WORKER_SORTS = ['name', 'state', 'slots', 'cpu', 'memory', 'warm', 'heard'] as const;
export type WorkerSort = (typeof WORKER_SORTS)[number];

const STATE_ORDER: readonly Worker['state'][] = [
  'busy',
  'idle',
  'draining',
  'stopping',
  'paused',
  'lost',
  'offline',
];

/** What a column is sorted by; for numbers the largest comes first. */
const SORT_VALUES: Record<Exclude<WorkerSort, 'name'>, (worker: Worker) => number> = {
  state: ({ state }) => -STATE_ORDER.indexOf(state),
  slots: usedSlots,
  cpu: (worker) => (isGone(worker.state) ? -1 : worker.load / worker.cores),
  memory: (worker) => (isGone(worker.state) ? -1 : usedMemory(worker)),
  warm: (worker) => warmShare(worker) ?? -1,
  heard: ({ seenAt }) => Date.parse(seenAt),
};

/** A comparison; equal workers, and all by `name`, stand in the order of their names. */
export function compareWorkers(sort: WorkerSort, reversed: boolean): (a: Worker, b: Worker) => number {
  const names = new Intl.Collator('en', { numeric: true });
  const sign = reversed ? -1 : 1;
  if (sort === 'name') return (a, b) => sign * names.compare(a.id, b.id);
  const value = SORT_VALUES[sort];
  return (a, b) => sign * (value(b) - value(a)) || names.compare(a.id, b.id);
}

/** Slots that render now. */
export function usedSlots({ rendering }: Pick<Worker, 'rendering'>): number {
  return rendering.reduce((sum, { slots, waiting }) => sum + (waiting ? 0 : slots), 0);
}

/** From 0 to 1. */
export function usedMemory({ memoryBytes, freeMemoryBytes }: Worker): number {
  return memoryBytes > 0 ? 1 - freeMemoryBytes / memoryBytes : 0;
}

/** How many of its tasks found their scene loaded, from 0 to 1; null before the first that could. */
export function warmShare({ sessions: { warm, cold } }: Worker): number | null {
  return warm + cold === 0 ? null : warm / (warm + cold);
}
