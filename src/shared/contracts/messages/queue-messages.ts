import { z } from 'zod';
import { idSchema } from '../job-document.ts';

/** Body of a request on `jobs.next`; only the coordinator that feeds the farm answers. */
export const nextRequestSchema = z.strictObject({
  version: z.literal(1),
  /** So many steps at most. */
  limit: z.int().min(1).max(500),
});
export type NextRequest = z.infer<typeof nextRequestSchema>;

/** Why a step stands where it stands: what lets it go first, or what keeps it from going at all. */
export const TURNS = ['guarantee', 'preview', 'share', 'limit', 'no-worker', 'sequential'] as const;
export type Turn = (typeof TURNS)[number];

const nextStepSchema = z.strictObject({
  jobId: idSchema,
  step: idSchema,
  engine: idSchema,
  project: z.string(),
  owner: z.string(),
  priority: z.int(),
  /** Frames that may be given out now. */
  ready: z.int(),
  waitedSeconds: z.number(),
  turn: z.enum(TURNS),
  /** The same as a sentence, with its figures. */
  text: z.string(),
});
export type NextStep = z.infer<typeof nextStepSchema>;

const projectShareSchema = z.strictObject({
  project: z.string(),
  weight: z.number(),
  /** Slots of its tasks that run or are on their way. */
  slots: z.int(),
  /** Slots that would be its part by weight, of those that want something. */
  fairSlots: z.number(),
  /** Frames that wait to be given out. */
  ready: z.int(),
});
export type ProjectShare = z.infer<typeof projectShareSchema>;

const workerGroupSchema = z.strictObject({
  group: idSchema,
  workers: z.int(),
  slots: z.int(),
  freeSlots: z.number(),
  engines: z.array(z.string()),
  site: z.string().nullable(),
  tags: z.array(z.string()),
});
export type WorkerGroup = z.infer<typeof workerGroupSchema>;

/** What runs next and why, as the round of dispatch would decide it now. */
export const nextReplySchema = z.union([
  z.strictObject({
    /** In the order in which they get their next task; those that may not have one stand where they would. */
    order: z.array(nextStepSchema),
    /** Steps that wait, those not listed included, and their frames. */
    steps: z.int(),
    frames: z.int(),
    /** Projects that have something or want something; the largest first, at most 200. */
    projects: z.array(projectShareSchema),
    guarantees: z.array(
      z.strictObject({ project: z.string(), pool: z.string(), slots: z.int(), has: z.int() }),
    ),
    /** At most 200. */
    groups: z.array(workerGroupSchema),
  }),
  z.strictObject({ error: z.string() }),
]);
export type NextReply = z.infer<typeof nextReplySchema>;
