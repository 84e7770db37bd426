import type { LimitKind } from '../../shared/contracts/messages.ts';

/** What planning decides on: the farm at one moment, from the ledger and from what workers say. Plain data, no ids of lanes. */
export interface Snapshot {
  /** Grows by milliseconds; the simulator's is virtual. */
  nowMs: number;
  /** Steps with frames that may be cut now. */
  steps: readonly StepView[];
  groups: readonly GroupView[];
  /** Tasks that are queued or running. */
  tasks: readonly TaskView[];
  rules: FarmRules;
  /** Slot-seconds that each has used lately, decayed: what ageing and fairness look back on. */
  used: UsedLately;
}

/** What a step's tasks need of a worker. */
export interface Needs {
  engine: string;
  /** Exact; null: any, and the first that takes it is kept. */
  engineVersion: string | null;
  /** Range that a version must be in while none is kept. */
  versionRange: string | null;
  cores: number | 'all' | null;
  memoryBytes: number | null;
  gpus: number;
  tags: readonly string[];
  site: string | null;
  preferSite: string | null;
  /** Shared storage that it must have mounted. */
  roots: readonly string[];
  /** Another worker is to have these frames, where one can: this one's results were not good enough. */
  avoid?: string;
}

export interface StepView {
  key: string;
  jobId: string;
  name: string;
  project: string;
  owner: string;
  /** 0–100; strictly higher first. */
  priority: number;
  /** When its job came; milliseconds. */
  submittedAtMs: number;
  /** Place in its job. */
  position: number;
  /** Frames that may be cut now. */
  ready: number;
  /** Of those, how many are of its preview: they go before all others of the level, one a task. */
  previewReady: number;
  /** Mean of accepted frames; null before the first. */
  secondsPerFrame: number | null;
  targetSeconds: number;
  chunk: 'auto' | 'sequential' | number;
  /** Frames that fit into one task message. */
  maxFrames: number;
  needs: Needs;
  /** Frames with this demand only: they ran out of memory with less. null: all others. Part of the step's identity here. */
  variantMemoryBytes: number | null;
  /** First 16 hexadecimal digits of its asset; null: no scene. */
  asset: string | null;
  /** Licence pools of which each of its tasks takes one. */
  licences: readonly string[];
  /** Frames of its job that may run at once. */
  jobLimit: number | null;
  /** Work of lower priority makes room for it. */
  preempt: boolean;
}

/** Interchangeable workers: the same engines, hardware, slots, site, tags and mounted storage. */
export interface GroupView {
  id: string;
  engines: ReadonlyMap<string, string>;
  site: string | null;
  tags: ReadonlySet<string>;
  /** Shared storage that they have mounted. */
  roots: ReadonlySet<string>;
  /** Of each worker. */
  slots: number;
  coresPerSlot: number;
  memoryBytesPerSlot: number;
  gpus: number;
  /**
   * Tasks of one slot that may still be put into the group's common lane: free slots and look-ahead, less what waits there.
   * Workers that are being emptied, or for which a big task waits, do not count.
   */
  window: number;
  workers: readonly WorkerView[];
}

/** A worker that takes work. */
export interface WorkerView {
  id: string;
  /** Slots that neither a task in its hands takes nor a big one that waits for it; `homeQueued` is not taken off. */
  freeSlots: number;
  /** Tasks of one slot that wait for it alone. */
  homeQueued: number;
  /** What it is being emptied for, as the last plan said; null: nothing. */
  reserving: Reservation | null;
  warm: ReadonlySet<string>;
  cached: ReadonlySet<string>;
}

export interface TaskView {
  key: string;
  stepKey: string;
  jobId: string;
  project: string;
  owner: string;
  engine: string;
  licences: readonly string[];
  priority: number;
  group: string;
  slots: number;
  state: 'queued' | 'running';
  /** Who runs it, or for whom alone it waits. */
  worker: string | null;
  /** Frames that it still has to do, the one under way included. */
  framesLeft: number;
  secondsPerFrame: number | null;
  /** Since it was published (queued) or started (running). */
  ageMs: number;
  /** It was told to give its rest back. */
  releasing: boolean;
  /** What its step needs of a worker; null: not known. */
  needs: Needs | null;
  /** Frames of its job that may run at once. */
  jobLimit: number | null;
  /** Work of lower priority makes room for it. */
  preempt: boolean;
  /** Its step's chunks are sized by the farm: what it gives back may be cut into smaller tasks. */
  adaptive: boolean;
}

export interface FarmRules {
  limits: readonly { kind: LimitKind; name: string; running: number }[];
  /** 1 where nothing is said. */
  shares: readonly { kind: 'project' | 'owner'; name: string; weight: number }[];
  guarantees: readonly { project: string; pool: string; slots: number }[];
}

export interface UsedLately {
  project: ReadonlyMap<string, number>;
  owner: ReadonlyMap<string, number>;
  job: ReadonlyMap<string, number>;
}

/** A task to be cut: so many of the step's next frames. */
export interface TaskCut {
  stepKey: string;
  variantMemoryBytes: number | null;
  /** Only frames that this worker is not to have. */
  avoid?: string;
  frames: number;
  group: string;
  /** A lane's size: 1, 2, 4 … or all slots of a worker. */
  slots: number;
  gpus: number;
  /** The only worker that may take it: its scene is loaded there, or it is kept free for it. null: any of the group. */
  worker: string | null;
}

/** What a round of dispatch does. */
export interface DispatchPlan {
  cuts: TaskCut[];
  /** Workers to be emptied for tasks that cannot be placed yet. Replaces what was said before. */
  reservations: Reservation[];
}

/** A worker that is being emptied for a task of so many slots of a step. */
export interface Reservation {
  worker: string;
  group: string;
  slots: number;
  stepKey: string;
  /** When it was first asked for, by the snapshots' clock. */
  sinceMs: number;
}

/** Tasks that are to give back what they have not begun, so that others can have it. */
export interface TakeBack {
  taskKey: string;
  why: 'preempt' | 'straggler' | 'idle-elsewhere' | 'reservation';
}
