import { z } from 'zod';
import { JOB_STATES } from '../domain/states.ts';
import { jobSummarySchema } from './messages.ts';

/** What a step needs of a worker; null, 0 and empty: it does not matter. */
const requirementsSchema = z.object({
  /** The range that was asked for, by the job, its project or the farm. */
  engineVersion: z.string().nullable(),
  cores: z.union([z.literal('all'), z.int()]).nullable(),
  memoryBytes: z.number().nullable(),
  gpus: z.int(),
  tags: z.array(z.string()),
  site: z.string().nullable(),
  preferSite: z.string().nullable(),
  /** Shared storage that it must have mounted; absent in jobs of older versions. */
  roots: z.array(z.string()).optional(),
});

/** Something that a step waits for. Frame n waits for frames n+offset−window … n+offset+window where `kind` is `frame`. */
const stepNeedSchema = z.object({
  /** Another job's id; null: a step of the same job. */
  job: z.string().nullable(),
  step: z.string(),
  kind: z.enum(['all', 'frame']),
  offset: z.int(),
  window: z.int(),
});
export type StepNeed = z.infer<typeof stepNeedSchema>;

const stepDetailsSchema = jobSummarySchema.shape.steps.element.extend({
  dependsOn: z.array(stepNeedSchema),
  requires: requirementsSchema,
  /** The one version that it is rendered with; null: no worker with a fitting one has been seen yet. */
  engineVersion: z.string().nullable(),
  chunk: z.union([z.literal('auto'), z.literal('sequential'), z.int()]),
  /** How long a task of an automatic chunk is to last. */
  targetSeconds: z.number(),
  /** Licence pools of which each of its tasks takes one. */
  licences: z.array(z.string()),
  /** Why its frames are held. */
  holdReason: z.string().nullable(),
});
export type StepDetails = z.infer<typeof stepDetailsSchema>;

/** `GET /api/jobs/:id`: the job, and how it is to be rendered, as that stands now. */
export const jobDetailsSchema = jobSummarySchema.extend({
  /** Work of lower priority makes room for it at its next frame. */
  preempt: z.boolean(),
  preview: z.literal('first-middle-last').nullable(),
  /** Nothing of it starts earlier. */
  notBefore: z.string().nullable(),
  /** `running`: frames of it that may run at once; null: no limit of its own. */
  limits: z.object({ running: z.int().nullable() }),
  /** Jobs that must be completed first. */
  dependsOn: z.array(z.object({ job: z.string(), name: z.string(), state: z.enum(JOB_STATES) })),
  /** Kept for good: no rule and nobody deletes it. */
  kept: z.boolean().optional(),
  /** What its results took when it had ended. */
  storage: z.object({ files: z.int(), bytes: z.number() }).optional(),
  steps: z.array(stepDetailsSchema),
});
export type JobDetails = z.infer<typeof jobDetailsSchema>;
