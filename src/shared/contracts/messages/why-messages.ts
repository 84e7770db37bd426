import { z } from 'zod';
import { JOB_STATES } from '../../domain/states.ts';
import { idSchema } from '../job-document.ts';

/** Body of a request on `jobs.why`. */
export const whyRequestSchema = z.strictObject({ version: z.literal(1), jobId: idSchema });
export type WhyRequest = z.infer<typeof whyRequestSchema>;

/** One thing that keeps frames of a job from running, in words and figures. */
export const WAIT_CAUSES = [
  'ended', // nothing is left to do
  'running', // nothing is in its way: so many frames run now
  'paused',
  'held',
  'not-before',
  'dependency',
  'back-off',
  'another-worker', // than the one whose result did not pass its checks
  'no-workers',
  'engine',
  'engine-version',
  'cores',
  'memory',
  'gpus',
  'tags',
  'site',
  'root', // shared storage that it does not have mounted
  'workers-unavailable', // those that fit are paused, outside their timetable, in quarantine, lost
  'limit',
  'licence',
  'priority', // those that fit are busy with what goes first
  'share', // … or with what is owed more in the same level
  'sequential',
  'reserving', // a worker is being emptied for a big task
  'starting', // tasks are on their way to workers
  'no-leader',
] as const;

export const waitReasonSchema = z.strictObject({
  cause: z.enum(WAIT_CAUSES),
  /** null: the whole job. */
  step: idSchema.nullable(),
  /** One sentence with its figures and, where something can be done, what. */
  text: z.string(),
  figures: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
});
export type WaitReason = z.infer<typeof waitReasonSchema>;

export const whyReplySchema = z.union([
  z.strictObject({
    jobId: idSchema,
    state: z.enum(JOB_STATES),
    /** The most important thing, in one sentence. */
    summary: z.string(),
    reasons: z.array(waitReasonSchema),
    /** When its first (or next) slot can be expected; null: not to be said. */
    firstSlotSeconds: z.strictObject({ min: z.number(), max: z.number() }).nullable(),
    /** When the job can be expected to end. */
    endSeconds: z.strictObject({ min: z.number(), max: z.number() }).nullable(),
  }),
  z.strictObject({ error: z.string() }),
]);
export type WhyReply = z.infer<typeof whyReplySchema>;
