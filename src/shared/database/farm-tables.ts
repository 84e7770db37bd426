import type { Generated } from 'kysely';
import type { LimitKind } from '../contracts/messages.ts';
import type { DatabaseTime, NullableTime } from './schema.ts';

/** A job that waits for all of another one. */
export interface JobDependenciesTable {
  job_id: string;
  depends_on: string;
}

/** Failures of a step by what they say (digits and paths left out), until it has brought its first frame. */
export interface StepFailuresTable {
  step_key: string;
  fingerprint: string;
  worker: string;
  number: number;
  message: string;
  at: DatabaseTime;
}

export interface JobNotesTable {
  key: Generated<string>;
  job_id: string;
  author: string;
  text: string;
  at: DatabaseTime;
}

/** Frames that a worker failed with, until it brings a frame: what decides on quarantine. */
export interface WorkerFailuresTable {
  worker: string;
  step_key: string;
  number: number;
  /** How often it was the machine that failed, by the worker's own word. */
  host_failures: Generated<number>;
  message: string;
  at: DatabaseTime;
}

/** Who did what to a worker, a limit, a share …, and when. */
export interface FarmEventsTable {
  key: Generated<string>;
  request_id: string | null;
  verb: string;
  /** The worker's id, or what was set. */
  subject: string;
  actor: string;
  message: string;
  at: DatabaseTime;
}

export interface LimitsTable {
  kind: LimitKind;
  name: string;
  /** Frames that may run at once. */
  running: number;
  /** Less for a while: the licence server had none left. */
  lowered_to: number | null;
  lowered_until: NullableTime;
}

export interface SharesTable {
  kind: 'project' | 'owner';
  name: string;
  weight: number;
}

export interface GuaranteesTable {
  project: string;
  /** A worker's tag, or `*`. */
  pool: string;
  slots: number;
}

/** Version ranges for jobs that do not say; of the farm where the project is empty. */
export interface EngineVersionsTable {
  engine: string;
  project: string;
  range: string;
}

/** Definitions of engines that the farm was given. The highest version of an id counts; removed, it is there no more. */
export interface EngineDefinitionsTable {
  id: string;
  version: number;
  /** SHA-256 of the text. */
  digest: string;
  text: string;
  created_by: string;
  created_at: DatabaseTime;
  removed_at: NullableTime;
}

/** What is wrong with a file of a coordinator's folder of definitions; told again every few seconds while it is so. */
export interface EngineProblemsTable {
  file: string;
  message: string;
  at: DatabaseTime;
}
