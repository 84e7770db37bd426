import { z } from 'zod';
import { CONTROL_FIGURES } from '../../domain/control-figures.ts';
import { FRAME_STATES, JOB_STATES } from '../../domain/states.ts';
import { waitingDecisionsSchema } from '../quality-api.ts';
import { chunkSchema, idSchema, targetSecondsSchema } from '../job-document.ts';
import { frameNumber } from './message-parts.ts';

/** What can be asked of a job. What each does in each state: docs/protocols.md. */
export const JOB_VERBS = [
  'pause',
  'resume',
  'cancel',
  'retry',
  'skip',
  'accept',
  'add-frames',
  'priority',
  'chunk',
  'limits',
  'note',
  'resubmit',
  'keep',
  'delete',
  'restore',
] as const;
export type JobVerb = (typeof JOB_VERBS)[number];

/** Body of `jobs.control.<job>`. Which fields belong to which verb is checked when it is applied. */
export const jobControlSchema = z.strictObject({
  version: z.literal(1).optional(),
  requestId: idSchema,
  verb: z.enum(JOB_VERBS),
  /** Who asked, for the history. */
  by: z.string().min(1).max(100).optional(),
  /** Say what it would do, and do nothing. */
  dryRun: z.boolean().optional(),
  /**
   * `retry`, `skip`: a frame range; without it every frame that failed or waits for a decision. `accept`: of those that wait
   * for a decision only these. `add-frames`: the new frames.
   */
  frames: z.string().min(1).max(10_000).optional(),
  /** `retry`, `skip`, `accept`, `add-frames`, `chunk`: only this step. */
  step: idSchema.optional(),
  /** `cancel`, `pause`: let frames under way end (`pause` does so anyway). */
  drain: z.boolean().optional(),
  /** `resume`: whether scripts may run in scenes whose steps were held with that question; without it they do not. */
  trustScripts: z.boolean().optional(),
  /** `priority`: the new one. */
  priority: z.int().min(0).max(100).optional(),
  /** `chunk`: the new one. */
  chunk: chunkSchema.optional(),
  /** `chunk`: the new target of automatic chunks. */
  targetSeconds: targetSecondsSchema.optional(),
  /** `limits`: frames of the job that may run at once; null: no limit. */
  running: z.int().min(1).max(1_000_000).nullable().optional(),
  /** `note`: the text. `retry`, `skip`, `accept`: why, for the history. */
  note: z.string().min(1).max(10_000).optional(),
  /** `delete`: its results go at once, and not when its time in the bin is over. */
  now: z.boolean().optional(),
  /** `keep`: do not keep it for good any more. */
  undo: z.boolean().optional(),
  /** `resubmit`: paths in the document and their new values; null removes a field. */
  set: z.record(z.string().min(1).max(200), z.json()).optional(),
});
export type JobControl = z.infer<typeof jobControlSchema>;

/** Frames that a control message touched, by what they were or become; only those above 0. */
export const controlFiguresSchema = z.partialRecord(z.enum(CONTROL_FIGURES), z.int().min(0));

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
  /** When it was completed with nothing failed, held or still to be judged. */
  deliveredAt: z.string().nullable(),
  /** Frames whose result waits for a person; absent where none does. */
  decisions: waitingDecisionsSchema.optional(),
  /** Only while it is in the bin: since when, who put it there, and when its results go; null: only when somebody says so. */
  bin: z.object({ since: z.string(), by: z.string(), until: z.string().nullable() }).optional(),
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
  z.strictObject({
    type: z.literal('control'),
    requestId: idSchema,
    ok: z.boolean(),
    message: z.string(),
    /** It was a question: nothing has changed. */
    dryRun: z.boolean().optional(),
    /** False when the job was as wanted already, or the request was refused. */
    changed: z.boolean().optional(),
    /** What it did, or would do, in numbers. */
    figures: controlFiguresSchema.optional(),
    /** What is wrong with the request or, for `resubmit`, with the changed document. */
    errors: z.array(z.strictObject({ path: z.string(), value: z.string(), expected: z.string() })).optional(),
    /** `resubmit`: the new job. */
    jobId: idSchema.optional(),
  }),
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
