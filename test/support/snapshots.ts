import type {
  FarmRules,
  GroupView,
  Needs,
  Snapshot,
  StepView,
  TaskView,
  WorkerView,
} from '../../src/coordinator/planning/snapshot.ts';

/** Parts of snapshots for tests of planning: each is plain, and a test says only what matters to it. */

export const needs = (changes: Partial<Needs> = {}): Needs => ({
  engine: 'null',
  engineVersion: '1.0.0',
  versionRange: null,
  cores: null,
  memoryBytes: null,
  gpus: 0,
  tags: [],
  site: null,
  preferSite: null,
  roots: [],
  ...changes,
});

export const step = (changes: Partial<StepView> = {}): StepView => ({
  key: '1',
  jobId: `job-${changes.key ?? '1'}`,
  name: 'render',
  project: 'default',
  owner: 'anna',
  priority: 50,
  submittedAtMs: 0,
  position: 0,
  ready: 100,
  previewReady: 0,
  secondsPerFrame: 30,
  targetSeconds: 30,
  chunk: 'auto',
  maxFrames: 10_000,
  needs: needs(),
  variantMemoryBytes: null,
  asset: null,
  licences: [],
  jobLimit: null,
  preempt: false,
  ...changes,
});

export const worker = (id: string, changes: Partial<WorkerView> = {}): WorkerView => ({
  id,
  freeSlots: 2,
  homeQueued: 0,
  reserving: null,
  warm: new Set(),
  cached: new Set(),
  ...changes,
});

/** Two workers of two slots; unless told otherwise, its window is what they have free. */
export function group(changes: Partial<GroupView> = {}): GroupView {
  const id = changes.id ?? 'g';
  const workers = changes.workers ?? [worker(`${id}-w1`), worker(`${id}-w2`)];
  const open = workers.filter(({ reserving }) => reserving === null);
  return {
    id,
    engines: new Map([['null', '1.0.0']]),
    site: null,
    tags: new Set(),
    roots: new Set(),
    slots: 2,
    coresPerSlot: 4,
    memoryBytesPerSlot: 8e9,
    gpus: 0,
    window: open.reduce((sum, { freeSlots, homeQueued }) => sum + freeSlots - homeQueued, 0),
    ...changes,
    workers,
  };
}

export const task = (changes: Partial<TaskView> = {}): TaskView => ({
  key: 't1',
  stepKey: '1',
  jobId: `job-${changes.stepKey ?? '1'}`,
  project: 'default',
  owner: 'anna',
  engine: 'null',
  licences: [],
  priority: 50,
  group: 'g',
  slots: 1,
  state: 'running',
  worker: 'g-w1',
  framesLeft: 10,
  secondsPerFrame: 30,
  ageMs: 5_000,
  releasing: false,
  needs: needs(),
  jobLimit: null,
  preempt: false,
  adaptive: true,
  ...changes,
});

export const snapshot = (
  changes: Partial<Omit<Snapshot, 'rules'>> & { rules?: Partial<FarmRules> } = {},
): Snapshot => ({
  nowMs: 0,
  steps: [step()],
  groups: [group()],
  tasks: [],
  used: { project: new Map(), owner: new Map(), job: new Map() },
  ...changes,
  rules: { limits: [], shares: [], guarantees: [], ...changes.rules },
});
