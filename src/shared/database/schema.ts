import type { ColumnType, Generated, JSONColumnType } from 'kysely';
import type { ChosenFrames } from '../domain/chosen-frames.ts';
import type { FrameState, JobState, Sweep } from '../domain/states.ts';
import type { FrameRun } from '../domain/frame-ranges.ts';
import type { InputSource, JobDocument, OutputSettings, Timeouts } from '../contracts/job-document.ts';
import type { SceneRef } from '../contracts/messages.ts';
import type {
  EngineDefinitionsTable,
  EngineProblemsTable,
  EngineVersionsTable,
  FarmEventsTable,
  GuaranteesTable,
  JobDependenciesTable,
  JobNotesTable,
  LimitsTable,
  SharesTable,
  StepFailuresTable,
  WorkerFailuresTable,
} from './farm-tables.ts';
import type {
  AssetManifestsTable,
  AssetObjectsTable,
  AssetUsesTable,
  CollectionsTable,
  JobAssetsTable,
  RetentionTable,
} from './retention-tables.ts';
import type { PreviewsTable } from './preview-tables.ts';
import type { BatchRefusedRowsTable, BatchesTable } from './batch-tables.ts';
import type { DeliveriesTable, DeliveryPagesTable, DeliveryTargetsTable } from './delivery-tables.ts';
import type {
  WebhookCursorTable,
  WebhookDeliveriesTable,
  WebhookEventsTable,
  WebhookMarksTable,
  WebhooksTable,
} from './webhook-tables.ts';
import type { Finding, QualityPolicy, Verdict } from '../contracts/quality.ts';
import type { AttemptsTable, LanesTable, LeasesTable, WorkersTable } from './worker-tables.ts';
import type { FrameQualityTable, JudgedAttemptsTable } from './quality-tables.ts';

/** The ledger: the truth about jobs, steps, frames, attempts and workers. Columns of time are set by the database's `now()`. */
export interface Database {
  jobs: JobsTable;
  job_events: JobEventsTable;
  steps: StepsTable;
  step_dependencies: StepDependenciesTable;
  frames: FramesTable;
  frame_outputs: FrameOutputsTable;
  tasks: TasksTable;
  attempts: AttemptsTable;
  workers: WorkersTable;
  lanes: LanesTable;
  templates: TemplatesTable;
  assets: AssetsTable;
  leases: LeasesTable;
  job_dependencies: JobDependenciesTable;
  step_failures: StepFailuresTable;
  job_notes: JobNotesTable;
  worker_failures: WorkerFailuresTable;
  farm_events: FarmEventsTable;
  limits: LimitsTable;
  shares: SharesTable;
  guarantees: GuaranteesTable;
  engine_versions: EngineVersionsTable;
  storage_roots: StorageRootsTable;
  engine_definitions: EngineDefinitionsTable;
  engine_problems: EngineProblemsTable;
  previews: PreviewsTable;
  batches: BatchesTable;
  batch_refused_rows: BatchRefusedRowsTable;
  delivery_targets: DeliveryTargetsTable;
  deliveries: DeliveriesTable;
  delivery_pages: DeliveryPagesTable;
  retention: RetentionTable;
  job_assets: JobAssetsTable;
  asset_manifests: AssetManifestsTable;
  asset_objects: AssetObjectsTable;
  asset_uses: AssetUsesTable;
  collections: CollectionsTable;
  webhooks: WebhooksTable;
  webhook_events: WebhookEventsTable;
  webhook_deliveries: WebhookDeliveriesTable;
  webhook_cursor: WebhookCursorTable;
  webhook_marks: WebhookMarksTable;
  frame_quality: FrameQualityTable;
  judged_attempts: JudgedAttemptsTable;
}

/** A timestamp that only the database sets, from `now()` or a default. */
export type DatabaseTime = ColumnType<Date, never, never>;
/** A timestamp set in SQL (`now()`), never from this machine's clock. */
export type NullableTime = ColumnType<Date | null, never, never>;

export interface JobsTable {
  id: string;
  name: string;
  owner: string;
  project: string;
  labels: JSONColumnType<Record<string, string>>;
  priority: number;
  state: JobState;
  paused: Generated<boolean>;
  /** The reason people see when the job stands still or failed. */
  error: string | null;
  idempotency_key: string | null;
  document: JSONColumnType<JobDocument>;
  /** SHA-256 of the canonical document: the same id with another one is a conflict. */
  document_sha256: string;
  /** Work of lower priority makes room for it at its next frame. */
  preempt: Generated<boolean>;
  /** Frames of it that may run at once. */
  limit_running: number | null;
  not_before: ColumnType<Date | null, string | null, string | null>;
  submitted_at: DatabaseTime;
  started_at: NullableTime;
  finished_at: NullableTime;
  delivered_at: NullableTime;
  /** Never deleted, whatever the rules say. */
  kept: Generated<boolean>;
  /** In the bin since then; it is erased at `erase_at`. */
  binned_at: NullableTime;
  binned_by: string | null;
  /** Its time begins anew when somebody takes it out of the bin. */
  restored_at: NullableTime;
  erase_at: NullableTime;
  /** Its results are being removed: it cannot be restored any more. */
  erasing: Generated<boolean>;
  /** Why the last try to remove its results failed. */
  erase_error: string | null;
  /** Results, frames and attempts are gone; the row stays, so that its id never comes again and its cost can be counted. */
  erased_at: NullableTime;
  /** Whether `job_assets` says what it names. */
  assets_noted: Generated<boolean>;
  /** The first template that it names. */
  template: string | null;
  /** What its results took when it had ended. */
  files: string | null;
  bytes: string | null;
  counted_at: NullableTime;
}

/** Who did what to a job, and when. */
export interface JobEventsTable {
  key: Generated<string>;
  job_id: string;
  request_id: string | null;
  kind: string;
  actor: string;
  message: string;
  /** False for a control message that was refused. */
  ok: Generated<boolean>;
  /** What the same request is answered with again, beside the message. */
  outcome: JSONColumnType<Record<string, unknown> | null, string | null, string | null>;
  at: DatabaseTime;
}

/** What a worker must have; null: it does not matter. */
export interface StepRequirements {
  /** The range that was asked for, by the job, its project or the farm. */
  engineVersion: string | null;
  cores: number | 'all' | null;
  memoryBytes: number | null;
  gpus: number;
  tags: string[];
  site: string | null;
  preferSite: string | null;
  /** Shared storage that it must have mounted; absent in steps of older versions. */
  roots?: string[];
}

export interface StepSpec {
  /** In the order in which frames are to be rendered; those of a preview first. */
  runs: FrameRun[];
  requires: StepRequirements;
  /** Licence pools of which each of its tasks takes one. */
  licences: string[];
  /** So many of its first frames are its preview. */
  previewFrames: number;
  scene: SceneRef | null;
  inputs: Record<string, InputSource>;
  data: Record<string, unknown>;
  settings: Record<string, unknown>;
  output: OutputSettings & { format: string; pattern: string };
  maxAttempts: number;
  timeouts: Timeouts;
  /** How its results are judged; absent where nothing is. */
  quality?: QualityPolicy;
}

/** Counts of frames by state are kept on the step, changed in the statement that changes the frames. */
export interface StepsTable {
  /** Internal key; frames refer to it, 8 bytes instead of two texts. */
  key: Generated<string>;
  job_id: string;
  name: string;
  position: number;
  engine: string;
  spec: JSONColumnType<StepSpec>;
  /** The exact version it is rendered with, once it is known; it never changes under way. */
  engine_version: string | null;
  /** `auto`, `sequential` or a number. */
  chunk: Generated<string>;
  target_seconds: Generated<number>;
  /** Results that came since its frames were last compared with each other; 0: there is nothing to compare. */
  judge_due: Generated<number>;
  /** Why its frames are held. */
  hold_reason: Generated<string | null>;
  /** False once somebody let it go on after it was held. */
  hold_allowed: Generated<boolean>;
  /** The answer to whether the scene's scripts may run; null: nobody was asked. */
  trust_scripts: Generated<boolean | null>;
  /** None of its frames is cut before this time: there was no licence for it. */
  retry_at: NullableTime;
  /** What is still to be done to its frames, in slices; it counts as if that were done already. */
  sweep: Sweep | null;
  /** What is to be done to chosen frames, one after the other. */
  sweep_frames: JSONColumnType<ChosenFrames[] | null, string | null, string | null>;
  /** The highest frame number that the sweep has passed. */
  sweep_after: number | null;
  state: JobState;
  frame_total: number;
  /** Rows of `frames` that exist; below `frame_total` while a large step is expanded in slices. */
  frames_expanded: number;
  /** The state in which further frames of a step that is still being expanded come in, and why. */
  entry_state: Generated<FrameState>;
  entry_error: Generated<string | null>;
  waiting: Generated<number>;
  ready: Generated<number>;
  queued: Generated<number>;
  running: Generated<number>;
  done: Generated<number>;
  failed: Generated<number>;
  held: Generated<number>;
  skipped: Generated<number>;
  cancelled: Generated<number>;
  /** Sum over accepted frames, for the mean time a frame takes. */
  seconds_done: Generated<number>;
}

export interface StepDependenciesTable {
  step_key: string;
  /** A step of this or of another job. */
  depends_on: string;
  kind: Generated<'all' | 'frame'>;
  frame_offset: Generated<number>;
  frame_window: Generated<number>;
}

export interface FramesTable {
  step_key: string;
  number: number;
  /** Place in the step's order. */
  position: number;
  state: FrameState;
  generation: Generated<number>;
  /** Failed attempts of this generation. */
  failures: Generated<number>;
  /** How often its worker died while it was being rendered. */
  losses: Generated<number>;
  /** What it needs, where that is more than its step says: it ran out of memory. */
  memory_bytes: string | null;
  /** Not to be cut before this time: back-off after a failure. */
  retry_at: NullableTime;
  /** The task that holds it, or held it last. */
  task_key: string | null;
  /** The attempt that made the accepted result, or failed last. */
  attempt: string | null;
  worker: string | null;
  seconds: number | null;
  peak_memory_bytes: string | null;
  bytes: string | null;
  sha256: Buffer | null;
  /** Key of the main output's object. */
  object_key: string | null;
  warnings: string[] | null;
  error: string | null;
  /** Of its result; null: nothing was judged. A held frame that has one waits for a person's decision. */
  verdict: Verdict | null;
  findings: JSONColumnType<Finding[] | null, string | null, string | null>;
  /** The worker whose result was not good enough: another one is to render it, where there is one. */
  avoid_worker: string | null;
}

/** A frame's outputs beyond the main one. */
export interface FrameOutputsTable {
  step_key: string;
  number: number;
  name: string;
  object_key: string;
  bytes: string;
  sha256: Buffer;
}

export type TaskState = 'queued' | 'running' | 'ended';
export type TaskOutcome = 'completed' | 'failed' | 'released' | 'lost' | 'cancelled' | 'rejected';

export interface TasksTable {
  /** The task's id is `t` and this key in base 36. */
  key: Generated<string>;
  step_key: string;
  job_id: string;
  engine: string;
  lane: string;
  state: TaskState;
  outcome: TaskOutcome | null;
  /** How often it was published. */
  feed: number;
  /** In rendering order. */
  frames: number[];
  generations: number[];
  /** Its frames may have results elsewhere: workers ask before they render. */
  resume: boolean;
  /** Slots and GPUs of its worker that it takes. */
  slots: Generated<number>;
  gpus: Generated<number>;
  /** The only worker that may take it: one that is kept free for it, or has its scene loaded. */
  reserved_worker: string | null;
  worker: string | null;
  instance: string | null;
  attempt: string | null;
  created_at: DatabaseTime;
  published_at: NullableTime;
  started_at: NullableTime;
  ended_at: NullableTime;
}

export interface TemplateSlot {
  /** How the engine takes the value, e.g. `text`, `colour`, `number`. */
  kind: 'text' | 'colour' | 'number';
  /** The engine's own name of the slot. */
  slot: string;
}

export interface TemplatesTable {
  name: string;
  version: number;
  engine: string;
  label: string;
  asset: string;
  scene_path: string;
  /** A picture among its files. */
  preview: Generated<string | null>;
  /** JSON Schema 2020-12 of `data`. */
  schema: JSONColumnType<Record<string, unknown>>;
  /** Parameter name → where its value goes. */
  slots: JSONColumnType<Record<string, TemplateSlot>>;
  /** Used where a job does not say: frames, output, settings. */
  defaults: JSONColumnType<{
    frames?: string;
    output?: OutputSettings;
    settings?: Record<string, unknown>;
    quality?: QualityPolicy;
  }>;
  created_at: DatabaseTime;
}

export interface AssetsTable {
  /** SHA-256 of the manifest. */
  sha256: string;
  files: number;
  bytes: string;
  created_at: DatabaseTime;
}

export interface StorageRootsTable {
  name: string;
  linux: string | null;
  mac: string | null;
  windows: string | null;
  unc: string | null;
}
