import { z } from 'zod';
import type { JOB_STATES } from '../domain/states.ts';
import { workerSchema } from './api.ts';

/** What the overview and the queue show of the whole farm. */

/** Frames of jobs that are open and not paused, by engine. */
const engineQueueSchema = z.object({
  engine: z.string(),
  /** Jobs of which frames wait to be given out. */
  waitingJobs: z.int(),
  ready: z.int(),
  queued: z.int(),
  running: z.int(),
});
export type EngineQueue = z.infer<typeof engineQueueSchema>;

/** Sums of the farm, as the room `farm` has them once a second. */
export const farmSumsSchema = z.object({
  at: z.string(),
  workers: z.record(workerSchema.shape.state, z.int()),
  /** Of workers that are here. */
  slots: z.object({ total: z.int(), used: z.int() }),
  /** Jobs that have not ended. */
  jobs: z.object({ queued: z.int(), running: z.int(), paused: z.int(), held: z.int() }),
  /** Frames of those jobs. */
  frames: z.object({ failed: z.int(), held: z.int(), waiting: z.int() }),
  /** The longest queues first, at most 50. */
  engines: z.array(engineQueueSchema),
  rate: z.object({
    /** Frames done a second in the last minute; null: the gateway has not watched for that long. */
    perSecond: z.number().nullable(),
    /** Frames done a second, in steps of so many seconds, oldest first; the last ten minutes at most. */
    stepSeconds: z.int(),
    history: z.array(z.number()),
  }),
});
export type FarmSums = z.infer<typeof farmSumsSchema>;

const latestImageSchema = z.object({
  job: z.string(),
  name: z.string(),
  step: z.string(),
  frame: z.int(),
  generation: z.int(),
});
export type LatestImage = z.infer<typeof latestImageSchema>;

const stuckFrameSchema = z.object({
  job: z.string(),
  name: z.string(),
  step: z.string(),
  frame: z.int(),
  worker: z.string(),
  /** How long it has been rendered. */
  seconds: z.number(),
  /** What frames near it took; null: too few are done. */
  medianSeconds: z.number().nullable(),
  /** Since its engine printed anything; null: not known. */
  silentSeconds: z.number().nullable(),
  /** One sentence: what is odd about it. */
  text: z.string(),
});
export type StuckFrame = z.infer<typeof stuckFrameSchema>;

/** `GET /api/overview` */
export const overviewSchema = z.object({
  sums: farmSumsSchema,
  /** Jobs that ended in the last 24 hours, by state. */
  ended: z.object({ completed: z.int(), failed: z.int(), cancelled: z.int() }),
  /** Of frames that were finished last, over all jobs; newest first. */
  images: z.array(latestImageSchema),
  /** Frames under way that look as if they would never end. */
  stuck: z.array(stuckFrameSchema),
});
export type Overview = z.infer<typeof overviewSchema>;

/** Jobs that have not ended. */
export const OPEN_JOB_STATES = [
  'queued',
  'running',
  'paused',
  'held',
] as const satisfies readonly (typeof JOB_STATES)[number][];
