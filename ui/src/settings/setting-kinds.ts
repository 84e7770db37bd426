import type { EngineVersion, Guarantee, Limit, Share } from '../../../src/shared/contracts/manage-api.ts';
import type { ProjectShare } from '../../../src/shared/contracts/messages.ts';
import { RETENTION_SUBJECTS, type RetentionRule } from '../../../src/shared/contracts/retention.ts';

export type SettingBody = Record<string, string | number>;

/** One thing that is set, as a row shows it. */
export interface SettingRow {
  /** Parts of its address below `/api`. */
  address: readonly string[];
  /** The project that it is of, where that stands in the query. */
  project?: string;
  what: string;
  value: string | number;
  /** The value with its unit, where it does not speak for itself. */
  shown?: string;
  /** What of it is used now. */
  use?: { used: number; of: number };
  note?: string;
  /** It is so from the beginning: nothing can be taken away. */
  isDefault?: boolean;
}

/** A kind of setting: how it is shown, and how a new one is made. */
export interface SettingKind {
  title: string;
  about: string;
  /** Of the value. */
  unit: string;
  /** A number with its bounds, or text. */
  value: { min: number; max: number; step: number } | { words: string };
  /** What can be chosen first: `engine`, `project` …; empty where there is nothing to choose. */
  kinds: readonly string[];
  /** What else names it; null: nothing does. */
  name: string | null;
  /** A third part. */
  second: { label: string; start: string; optional: boolean } | null;
  body: (value: string) => SettingBody;
  address: (kind: string, name: string, second: string) => Pick<SettingRow, 'address' | 'project'>;
  /** What is taken away when one is removed, in words. */
  removed: string;
}

export const LIMIT_KIND: SettingKind = {
  title: 'Limits',
  about: 'How many frames may run at once.',
  unit: 'frames at once',
  value: { min: 0, max: 1_000_000, step: 1 },
  kinds: ['engine', 'licence', 'project', 'owner'],
  name: 'Name',
  second: null,
  body: (value) => ({ running: Number(value) }),
  address: (kind, name) => ({ address: ['limits', kind, name] }),
  removed: 'No limit',
};

export const SHARE_KIND: SettingKind = {
  title: 'Weights',
  about:
    'Who has twice the weight gets twice the slots, within a level of priority. Everybody has 1 until somebody says otherwise.',
  unit: 'weight',
  value: { min: 0.01, max: 1_000, step: 0.01 },
  kinds: ['project', 'owner'],
  name: 'Name',
  second: null,
  body: (value) => ({ weight: Number(value) }),
  address: (kind, name) => ({ address: ['shares', kind, name] }),
  removed: 'Back to 1',
};

export const GUARANTEE_KIND: SettingKind = {
  title: 'Guarantees',
  about:
    'Slots that a project gets first, whatever the priority of others. What it does not use, others borrow.',
  unit: 'slots',
  value: { min: 1, max: 1_000_000, step: 1 },
  kinds: [],
  name: 'Project',
  second: { label: 'Workers with the tag (* is all)', start: '*', optional: false },
  body: (value) => ({ slots: Number(value) }),
  address: (_kind, name, second) => ({ address: ['guarantees', name, second] }),
  removed: 'No guarantee',
};

export const VERSION_KIND: SettingKind = {
  title: 'Default versions',
  about: 'The range of versions for jobs that ask for none, such as 4.5 or >=4.5 <5.',
  unit: 'version range',
  value: { words: 'such as >=4.5 <5' },
  kinds: [],
  name: 'Engine',
  second: { label: 'Only of project', start: '', optional: true },
  body: (value) => ({ range: value }),
  address: (_kind, name, second) => ({
    address: ['engine-versions', name],
    ...(second === '' ? {} : { project: second }),
  }),
  removed: 'Any version',
};

export const RETENTION_KIND: SettingKind = {
  title: 'What is kept, and for how long',
  about:
    'Jobs go to the bin when their time is over, and can be restored until the bin’s time is over, too. Projects can have days of their own for jobs and the bin.',
  unit: 'days, or “forever”',
  value: { words: 'days, or forever' },
  kinds: RETENTION_SUBJECTS,
  name: null,
  second: { label: 'Only of project', start: '', optional: true },
  body: (value) => ({ days: value.trim() === 'forever' ? 'forever' : Number(value) }),
  address: (kind, _name, second) => ({
    address: ['retention', kind],
    ...(second === '' ? {} : { project: second }),
  }),
  removed: 'As at the beginning',
};

export const limitRows = (limits: readonly Limit[]): SettingRow[] =>
  limits.map(({ kind, name, running, inUse, lowered }) => ({
    address: ['limits', kind, name],
    what: `${kind} ${name}`,
    value: running,
    use: { used: inUse, of: lowered?.to ?? running },
    ...(lowered && { note: `Lowered to ${lowered.to} for a while: the licence server had no more.` }),
  }));

/** @param projects what each has now, where that is known. */
export function shareRows(shares: readonly Share[], projects: readonly ProjectShare[]): SettingRow[] {
  return shares.map(({ kind, name, weight }) => {
    const now = kind === 'project' ? projects.find(({ project }) => project === name) : undefined;
    return {
      address: ['shares', kind, name],
      what: `${kind} ${name}`,
      value: weight,
      ...(now && { note: `${now.slots} slots now, ${now.fairSlots} would be fair.` }),
    };
  });
}

export function guaranteeRows(
  guarantees: readonly Guarantee[],
  kept: readonly { project: string; pool: string; has: number }[],
): SettingRow[] {
  return guarantees.map(({ project, pool, slots }) => {
    const now = kept.find((each) => each.project === project && each.pool === pool);
    return {
      address: ['guarantees', project, pool],
      what: pool === '*' ? `${project}, of all workers` : `${project}, of workers tagged ${pool}`,
      value: slots,
      ...(now && { use: { used: now.has, of: slots } }),
    };
  });
}

const ofProject = (what: string, project: string | null): string =>
  project === null ? what : `${what}, of project ${project}`;

export const versionRows = (versions: readonly EngineVersion[]): SettingRow[] =>
  versions.map(({ engine, project, range }) => ({
    address: ['engine-versions', engine],
    ...(project === null ? {} : { project }),
    what: ofProject(engine, project),
    value: range,
  }));

const RETAINED: Record<RetentionRule['what'], string> = {
  completed: 'Completed jobs',
  failed: 'Failed jobs',
  cancelled: 'Cancelled jobs',
  bin: 'Jobs in the bin',
  attempts: 'Results that no frame points to',
  assets: 'Scenes and assets that no job names',
  templates: 'Old versions of templates',
};

export const retentionRows = (rules: readonly RetentionRule[]): SettingRow[] =>
  rules.map(({ what, project, days, set }) => ({
    address: ['retention', what],
    ...(project === null ? {} : { project }),
    what: ofProject(RETAINED[what], project),
    value: days,
    ...(days !== 'forever' && { shown: `${days} ${days === 1 ? 'day' : 'days'}` }),
    isDefault: !set,
  }));
