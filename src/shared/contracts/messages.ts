import { z } from 'zod';
import { MAX_FRAME_NUMBER } from '../domain/frame-ranges.ts';
import { FRAME_STATES, JOB_STATES } from '../domain/states.ts';
import { idSchema, jobDocumentSchema } from './job-document.ts';

/** Three years: no frame takes longer, and its ledger column holds it. */
const MAX_SECONDS = 100_000_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');
const frameNumber = z.int().min(-MAX_FRAME_NUMBER).max(MAX_FRAME_NUMBER);
const generation = z.int().min(1).max(2_147_483_647);
const frameRef = z.strictObject({ number: frameNumber, generation });
export type FrameRef = z.infer<typeof frameRef>;

/** A scene as a worker finds it: a file inside an asset (a manifest of files stored by hash). */
export const sceneRefSchema = z.strictObject({ asset: sha256, path: z.string().min(1).max(1_024) });
export type SceneRef = z.infer<typeof sceneRefSchema>;

/** Body of `tasks.<engine>.<lane>.<job>.<task>`: all that a worker needs to render a chunk of frames. */
export const taskMessageSchema = z.strictObject({
  version: z.literal(1),
  taskId: idSchema,
  jobId: idSchema,
  feed: z.int().min(1),
  step: idSchema,
  engine: idSchema,
  scene: sceneRefSchema.nullable(),
  /** In the order in which they are to be rendered. */
  frames: z.array(frameRef).min(1).max(10_000),
  /** Frames may be done or running elsewhere already: ask (`ask.<worker>.resume`) before rendering. */
  resume: z.boolean(),
  /** Names of inputs and the steps they come from; the files are asked for (`ask.<worker>.inputs`). */
  inputs: z.record(idSchema, z.strictObject({ step: idSchema })),
  /** Where values of `data` go, by template: slot name → value, checked against its schema already. */
  data: z.record(z.string(), z.json()),
  settings: z.record(z.string(), z.json()),
  output: z.strictObject({
    format: z.string(),
    width: z.int().optional(),
    height: z.int().optional(),
    fps: z.number().optional(),
  }),
  /** Seconds; absent ones take the engine's own. */
  timeouts: z.strictObject({
    start: z.number().optional(),
    silence: z.number().optional(),
    frame: z.number().optional(),
  }),
});
export type TaskMessage = z.infer<typeof taskMessageSchema>;

/** One file of a frame. `key` and `sha256` are null where the engine stores nothing (null engine). */
export const outputFileSchema = z.strictObject({
  name: idSchema,
  key: z.string().max(1_024).nullable(),
  bytes: z.int().min(0),
  sha256: sha256.nullable(),
});
export type OutputFile = z.infer<typeof outputFileSchema>;

export const frameResultSchema = z.strictObject({
  number: frameNumber,
  generation,
  seconds: z.number().min(0).max(MAX_SECONDS),
  peakMemoryBytes: z.int().min(0).nullable(),
  /** The first is the main output. */
  outputs: z.array(outputFileSchema).min(1).max(256),
  /** Things worth knowing that did not fail the frame. */
  warnings: z.array(z.string().max(1_000)).max(20).optional(),
});
export type FrameResult = z.infer<typeof frameResultSchema>;

export const FAILURE_CLASSES = [
  'scene', // the scene or its settings cannot be rendered
  'missing-asset',
  'engine-crash',
  'out-of-memory',
  'licence',
  'timeout',
  'bad-output', // a file is missing or does not decode
  'host', // the machine: disk full, program gone
  'storage', // S3 did not take or give a file in time; uses up no attempt
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

const attemptPart = {
  version: z.literal(1),
  attempt: z.string().max(160),
  feed: z.int().min(1),
  delivery: z.int().min(1),
  step: idSchema,
  /** A worker process's own id: a restarted worker has another one. */
  instance: idSchema,
};

/** Body of `status.task.<worker>.<job>.<task>`. Each carries what is needed to place it: they may come twice, late, in any order. */
export const taskStatusSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('started'), ...attemptPart, frames: z.array(frameRef).min(1) }),
  z.strictObject({ type: z.literal('frames'), ...attemptPart, done: z.array(frameResultSchema).min(1) }),
  /** The attempt has ended well; the full list again, so that a lost `frames` does no harm. */
  z.strictObject({
    type: z.literal('completed'),
    ...attemptPart,
    done: z.array(frameResultSchema),
    logKey: z.string().nullable(),
  }),
  z.strictObject({
    type: z.literal('failed'),
    ...attemptPart,
    done: z.array(frameResultSchema),
    class: z.enum(FAILURE_CLASSES),
    message: z.string().max(4_000),
    /** The frame that failed, where the engine told; otherwise every open frame of the attempt is to blame. */
    failedFrame: frameNumber.nullable(),
    logKey: z.string().nullable(),
  }),
  /** Stopped without fault: drained, released or cancelled. The rest is to be given to others; no attempt is used up. */
  z.strictObject({
    type: z.literal('released'),
    ...attemptPart,
    done: z.array(frameResultSchema),
    reason: z.string().max(1_000),
    logKey: z.string().nullable(),
  }),
  /** The message could not be understood or is not for this worker. */
  z.strictObject({ type: z.literal('rejected'), ...attemptPart, reason: z.string().max(1_000) }),
]);
export type TaskStatus = z.infer<typeof taskStatusSchema>;

export const detectedEngineSchema = z.strictObject({
  id: idSchema,
  version: z.string().min(1).max(64),
  /** What this build can do and others cannot: `oidn`, `gpu` … */
  features: z.array(z.string().max(64)).max(64),
});
export type DetectedEngine = z.infer<typeof detectedEngineSchema>;

/** Body of `status.worker.<id>`, every 2 seconds and at once when something changed. */
export const heartbeatSchema = z.strictObject({
  version: z.literal(1),
  workerId: idSchema,
  instance: idSchema,
  host: z.string().max(255),
  pid: z.int(),
  platform: z.string().max(64),
  slots: z.int().min(1).max(4_096),
  cores: z.int().min(1),
  memoryBytes: z.int(),
  freeMemoryBytes: z.int(),
  load: z.number(),
  state: z.enum(['idle', 'busy', 'draining', 'stopping']),
  engines: z.array(detectedEngineSchema).max(256),
  /** Lanes it pulls from at present. */
  lanes: z.array(idSchema).max(64),
  /** Attempts it holds, with the frame that is being rendered and for how long. */
  attempts: z
    .array(
      z.strictObject({
        attempt: z.string().max(160),
        taskId: idSchema,
        jobId: idSchema,
        frame: frameNumber.nullable(),
        frameSeconds: z.number().min(0),
      }),
    )
    .max(4_096),
  warmSessions: z.array(z.string().max(160)).max(256),
  cacheBytes: z.int().min(0),
  /** Trouble that people should see: disk full, clock off … */
  problems: z.array(z.string().max(500)).max(20),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Body of `status.progress.<worker>`; for eyes only, nothing depends on it. */
export const progressSchema = z.strictObject({
  version: z.literal(1),
  jobId: idSchema,
  taskId: idSchema,
  step: idSchema,
  frame: frameNumber,
  fraction: z.number().min(0).max(1),
  note: z.string().max(200).optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/** Body of `logs.<job>.<task>`: a piece of an attempt's log at a byte offset. */
export const logPieceSchema = z.strictObject({
  version: z.literal(1),
  attempt: z.string().max(160),
  offset: z.int().min(0),
  text: z.string(),
});
export type LogPiece = z.infer<typeof logPieceSchema>;

/** Body of `control.worker.<id>`. */
export const workerControlSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('lanes'),
    lanes: z.array(z.strictObject({ lane: idSchema, slots: z.int().min(1) })),
  }),
  z.strictObject({ type: z.literal('drain') }),
  /** Frames of an attempt that somebody else has rendered or taken: leave them out. */
  z.strictObject({ type: z.literal('drop'), attempt: z.string(), frames: z.array(frameNumber) }),
]);
export type WorkerControl = z.infer<typeof workerControlSchema>;

/** Body of `control.job.<job>`: `stop` ends engines now, `release` finishes the frame under way and gives the rest back. */
export const jobStopSchema = z.strictObject({ type: z.enum(['stop', 'release']) });

/** `ask.<worker>.resume`: which of these frames are still wanted from this attempt? The ledger re-adopts the attempt. */
export const resumeRequestSchema = z.strictObject({
  version: z.literal(1),
  taskId: idSchema,
  jobId: idSchema,
  attempt: z.string().max(160),
  feed: z.int().min(1),
  instance: idSchema,
  frames: z.array(frameRef),
  /** The frame that is being rendered right now, which is not to be thrown away lightly. */
  current: frameNumber.nullable(),
});
export type ResumeRequest = z.infer<typeof resumeRequestSchema>;
export const resumeReplySchema = z.union([
  z.strictObject({ wanted: z.array(frameNumber) }),
  z.strictObject({ error: z.string() }),
]);
export type ResumeReply = z.infer<typeof resumeReplySchema>;

/** `ask.<worker>.inputs`: the accepted frames of another step, ascending by frame, a page at a time. */
export const inputsRequestSchema = z.strictObject({
  version: z.literal(1),
  jobId: idSchema,
  step: idSchema,
  after: frameNumber.nullable(),
  limit: z.int().min(1).max(2_000),
});
export type InputsRequest = z.infer<typeof inputsRequestSchema>;
export const inputsReplySchema = z.union([
  z.strictObject({
    files: z.array(z.strictObject({ frame: frameNumber, key: z.string(), bytes: z.int(), sha256 })),
    more: z.boolean(),
  }),
  z.strictObject({ error: z.string() }),
]);
export type InputsReply = z.infer<typeof inputsReplySchema>;

/** Body of `jobs.control.<job>`. */
export const jobControlSchema = z.strictObject({
  version: z.literal(1).optional(),
  requestId: idSchema,
  verb: z.enum(['pause', 'resume', 'cancel', 'retry', 'priority']),
  /** Who asked, for the history. */
  by: z.string().min(1).max(100).optional(),
  /** `retry`: a frame range; without it every failed frame. */
  frames: z.string().min(1).max(10_000).optional(),
  /** `retry`: only this step. */
  step: idSchema.optional(),
  /** `priority`: the new one. */
  priority: z.int().min(0).max(100).optional(),
});
export type JobControl = z.infer<typeof jobControlSchema>;

export const frameCountsSchema = z.record(z.enum(FRAME_STATES), z.int().min(0));

const stepSummary = z.strictObject({
  name: idSchema,
  engine: z.string(),
  state: z.enum(JOB_STATES),
  frames: z.object({ total: z.int().min(0) }).and(frameCountsSchema),
});

/** A job as the API and `status.job` show it. Times are ISO 8601 in UTC. */
export const jobSummarySchema = z.object({
  id: idSchema,
  name: z.string(),
  owner: z.string(),
  project: z.string(),
  labels: z.record(z.string(), z.string()),
  priority: z.int(),
  state: z.enum(JOB_STATES),
  frames: z.object({ total: z.int().min(0) }).and(frameCountsSchema),
  steps: z.array(stepSummary),
  /** The newest reason for which a frame failed, or why the job stands still. */
  error: z.string().nullable(),
  submittedAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  deliveredAt: z.string().nullable(),
});
export type JobSummary = z.infer<typeof jobSummarySchema>;

/** What changed of one frame, as the page needs it. */
export const frameChangeSchema = z.strictObject({
  step: idSchema,
  number: frameNumber,
  state: z.enum(FRAME_STATES),
  generation: z.int(),
  worker: z.string().nullable(),
  seconds: z.number().nullable(),
  error: z.string().nullable(),
});
export type FrameChange = z.infer<typeof frameChangeSchema>;

/** Body of `status.job.<id>`: what the ledger now says. */
export const jobStatusSchema = z.discriminatedUnion('type', [
  /** The job after a change. `frames` lists what changed since the last one; null: too many, ask for a snapshot. */
  z.strictObject({
    type: z.literal('job'),
    job: jobSummarySchema,
    frames: z.array(frameChangeSchema).nullable(),
  }),
  /** A submission on `jobs` that was refused, when the document brought a usable id. */
  z.strictObject({
    type: z.literal('refused'),
    jobId: idSchema,
    errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })),
  }),
  /** The outcome of a control message. */
  z.strictObject({ type: z.literal('control'), requestId: idSchema, ok: z.boolean(), message: z.string() }),
]);
export type JobStatus = z.infer<typeof jobStatusSchema>;

/** Reply to a request on `jobs.submit`. */
export const submitReplySchema = z.union([
  z.strictObject({ id: idSchema, state: z.enum(JOB_STATES), existing: z.boolean(), job: jobSummarySchema }),
  z.strictObject({
    code: z.enum(['invalid', 'conflict', 'too-large', 'unavailable']),
    message: z.string(),
    errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })),
  }),
]);
export type SubmitReply = z.infer<typeof submitReplySchema>;

/** Body of `dead.<what>.<reason>`. */
export const deadLetterSchema = z.strictObject({
  version: z.literal(1),
  subject: z.string(),
  reason: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })),
  /** The first bytes of the original, base64. */
  excerpt: z.string(),
  bytes: z.int(),
  at: z.string(),
});
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** Every message by the name used in docs/protocols.md. */
export const MESSAGE_SCHEMAS = {
  JobDocument: jobDocumentSchema,
  JobControl: jobControlSchema,
  SubmitReply: submitReplySchema,
  TaskMessage: taskMessageSchema,
  TaskStatus: taskStatusSchema,
  Heartbeat: heartbeatSchema,
  Progress: progressSchema,
  LogPiece: logPieceSchema,
  WorkerControl: workerControlSchema,
  JobStop: jobStopSchema,
  ResumeRequest: resumeRequestSchema,
  ResumeReply: resumeReplySchema,
  InputsRequest: inputsRequestSchema,
  InputsReply: inputsReplySchema,
  JobStatus: jobStatusSchema,
  DeadLetter: deadLetterSchema,
} as const;
