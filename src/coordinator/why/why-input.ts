import type { LimitKind, WaitReason, WorkerPause } from '../../shared/contracts/messages.ts';
import type { FrameCounts, JobState } from '../../shared/domain/states.ts';
import type { Ability } from '../planning/fitting.ts';
import type { Needs } from '../planning/snapshot.ts';

/** All that a job's waiting is explained from, as it was at one moment. Plain data. */
export interface WhyInput {
  nowMs: number;
  job: WhyJob;
  /** In the job's order. */
  steps: readonly WhyStep[];
  /** All that the farm knows of, those that are gone included. */
  workers: readonly WhyWorker[];
  /** Tasks that are queued or running, of all jobs. */
  tasks: readonly WhyTask[];
  /** Other jobs' frames that could begin now. */
  waiting: readonly WaitingWork[];
  limits: readonly WhyLimit[];
  shares: readonly { kind: 'project' | 'owner'; name: string; weight: number }[];
  guarantees: readonly { project: string; pool: string; slots: number }[];
  /** Whether some coordinator holds the lease of the feeder. */
  leader: boolean;
}

export interface WhyJob {
  id: string;
  state: JobState;
  error: string | null;
  project: string;
  owner: string;
  priority: number;
  notBeforeMs: number | null;
  limitRunning: number | null;
  preempt: boolean;
  /** Other jobs that it waits for. */
  dependsOn: readonly UpstreamView[];
}

/** A step, or a whole job, that something waits for. */
export interface UpstreamView {
  jobId: string;
  /** null: the whole job. */
  step: string | null;
  kind: 'all' | 'frame';
  state: JobState;
  done: number;
  /** Failed for good, cancelled or held: nothing goes on there by itself. */
  stuck: number;
  total: number;
  secondsPerFrame: number | null;
}

export interface WhyStep {
  key: string;
  name: string;
  needs: Needs;
  /** What comes before `requires` in the document: nothing, or `steps[1].` */
  path: string;
  licences: readonly string[];
  chunk: string;
  total: number;
  /** Frames whose rows are not written yet. */
  unwritten: number;
  counts: FrameCounts;
  secondsPerFrame: number | null;
  holdReason: string | null;
  /** Held frames whose result waits for a person's decision. */
  decisions?: number;
  /** The whole step waits until then: there was no licence. */
  retryAtMs: number | null;
  /** Of its ready frames, those that wait after a failure, and until when the first does. */
  backOff: { frames: number; untilMs: number } | null;
  /** Ready frames that need more memory than the step asks for, since they ran out of it. */
  bigger: readonly { frames: number; memoryBytes: number }[];
  /** Ready frames for another worker than this one, whose result was not good enough. */
  elsewhere: readonly { frames: number; worker: string }[];
  dependsOn: readonly UpstreamView[];
}

export interface WhyWorker {
  id: string;
  /** `working`: it may be given tasks. */
  presence: 'working' | 'paused' | 'leaving' | 'returning' | 'lost' | 'offline';
  pause: WorkerPause | null;
  seenAtMs: number;
  group: string;
  ability: Ability;
  /** It is being emptied for a big task. */
  reserving: boolean;
}

export interface WhyTask {
  jobId: string;
  stepKey: string;
  project: string;
  owner: string;
  engine: string;
  licences: readonly string[];
  priority: number;
  slots: number;
  state: 'queued' | 'running';
  /** Who runs it, or for whom alone it waits. */
  worker: string | null;
  group: string | null;
  frames: number;
  secondsPerFrame: number | null;
  /** Since it was started; null while it is queued. */
  runningSeconds: number | null;
}

/** What of other jobs could begin now and asks for the same engine. */
export interface WaitingWork {
  engine: string;
  priority: number;
  jobs: number;
  frames: number;
  /** Slot-seconds; null where a step among them is not measured yet. */
  seconds: number | null;
}

export interface WhyLimit {
  kind: LimitKind;
  name: string;
  running: number;
  lowered: { to: number; untilMs: number } | null;
}

export type Reason = WaitReason;
