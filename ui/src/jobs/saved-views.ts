import { useLocalStorage, type RemovableRef } from '@vueuse/core';

/** A list of jobs that somebody comes back to: what the address says of it. */
export interface SavedView {
  name: string;
  q: string;
  sort: string;
  group: string;
  cols: string;
}

const view = (name: string, q: string, sort = ''): SavedView => ({ name, q, sort, group: '', cols: '' });

/** They come with the page. */
export const BUILT_IN_VIEWS: readonly SavedView[] = [
  view('All jobs', ''),
  view('Running', 'state:running'),
  view('Waiting', 'state:queued'),
  view('Failed', 'state:failed'),
  view('Held', 'state:held'),
  view('Last 24 hours', 'submitted<24h'),
  view('Most failures first', 'failed>0', '-failed'),
];

/** Views of this browser; others get them by the address. */
export const useSavedViews = (): RemovableRef<SavedView[]> =>
  useLocalStorage<SavedView[]>('farmhand-job-views', [], {
    serializer: { read: readViews, write: JSON.stringify },
  });

/** What is stored may be of another version, or of somebody's hand: what is no view is left out. */
export function readViews(text: string): SavedView[] {
  try {
    const stored: unknown = JSON.parse(text);
    return Array.isArray(stored) ? stored.filter(isView).slice(0, 100) : [];
  } catch {
    return [];
  }
}

const isView = (value: unknown): value is SavedView =>
  typeof value === 'object' &&
  value !== null &&
  ['name', 'q', 'sort', 'group', 'cols'].every(
    (key) => typeof (value as Record<string, unknown>)[key] === 'string',
  );
