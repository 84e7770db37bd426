import type { JobSortKey } from '../../../src/shared/domain/job-query/job-sort.ts';

export type ColumnId =
  | 'state'
  | 'picture'
  | 'name'
  | 'progress'
  | 'frames'
  | 'running'
  | 'failed'
  | 'eta'
  | 'engine'
  | 'owner'
  | 'project'
  | 'shot'
  | 'version'
  | 'priority'
  | 'elapsed'
  | 'submitted';

export interface JobColumn {
  id: ColumnId;
  label: string;
  /** In pixels; the name takes what is left. */
  width: number;
  sort?: JobSortKey;
  /** Sorted by it for the first time, the largest come first. */
  largestFirst?: boolean;
  right?: boolean;
}

/** In the order of the table. */
export const JOB_COLUMNS: readonly JobColumn[] = [
  { id: 'state', label: 'State', width: 116, sort: 'state' },
  { id: 'picture', label: 'Picture', width: 60 },
  { id: 'name', label: 'Name', width: 200, sort: 'name' },
  { id: 'progress', label: 'Progress', width: 156, sort: 'progress', largestFirst: true },
  { id: 'frames', label: 'Frames', width: 80, sort: 'frames', largestFirst: true, right: true },
  { id: 'running', label: 'Running', width: 84, sort: 'running', largestFirst: true, right: true },
  { id: 'failed', label: 'Failed', width: 72, sort: 'failed', largestFirst: true, right: true },
  { id: 'eta', label: 'Left', width: 108, right: true },
  { id: 'engine', label: 'Engine', width: 92 },
  { id: 'owner', label: 'Owner', width: 104, sort: 'owner' },
  { id: 'project', label: 'Project', width: 104, sort: 'project' },
  { id: 'shot', label: 'Shot', width: 80 },
  { id: 'version', label: 'Version', width: 80 },
  { id: 'priority', label: 'Priority', width: 80, sort: 'priority', largestFirst: true, right: true },
  { id: 'elapsed', label: 'Elapsed', width: 92, sort: 'elapsed', largestFirst: true, right: true },
  { id: 'submitted', label: 'Submitted', width: 104, sort: 'submitted', largestFirst: true, right: true },
];

/** Where nobody chose: as many of these as there is room for, the first of them first. */
const BY_IMPORTANCE: readonly ColumnId[] = [
  'state',
  'name',
  'progress',
  'failed',
  'submitted',
  'owner',
  'eta',
  'picture',
  'priority',
  'engine',
  'elapsed',
  'running',
  'frames',
];
const ALWAYS = 3;
/** The box to select a row, its verbs, and the edges. */
const OTHERS_WIDTH = 44 + 112;

/** Columns that are shown: those that were chosen, or what fits. */
export function shownColumns(chosen: readonly ColumnId[], width: number): JobColumn[] {
  if (chosen.length > 0) return JOB_COLUMNS.filter(({ id }) => id === 'name' || chosen.includes(id));
  const shown = new Set<ColumnId>();
  let left = width - OTHERS_WIDTH;
  for (const id of BY_IMPORTANCE) {
    const column = JOB_COLUMNS.find((each) => each.id === id);
    left -= column?.width ?? 0;
    if (left < 0 && shown.size >= ALWAYS) break;
    shown.add(id);
  }
  return JOB_COLUMNS.filter(({ id }) => shown.has(id));
}

/** `state,name` of the address; what is no column is left out. */
export function parseColumns(text: string): ColumnId[] {
  const wanted = text.split(',');
  return JOB_COLUMNS.map(({ id }) => id).filter((id) => wanted.includes(id));
}
