import { z } from 'zod';
import { JOB_STATES } from '../domain/states.ts';
import { FAILURE_CLASSES } from './messages.ts';

/** A class as its worker told it; `loss`: the worker died; `rejected`: the task was refused or delivered too often. */
export const FAILURE_KINDS = [...FAILURE_CLASSES, 'loss', 'rejected'] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Whose fault failures look like. */
export const FAULTS = ['worker', 'scene', 'farm', 'unclear'] as const;
export type Fault = (typeof FAULTS)[number];

/** The time asked for is told in so many parts. */
export const FAILURE_COLUMNS = 24;

const times = z.array(z.int());

/** Attempts that failed for one reason, as far as words can tell. */
export const failureGroupSchema = z.object({
  /** Names the reason, as `GET /api/failures/:id` takes it. */
  id: z.string(),
  kind: z.enum(FAILURE_KINDS),
  fault: z.enum(FAULTS),
  /** What happened, in plain words. */
  title: z.string(),
  /** Why the fault is thought to be there. */
  why: z.string(),
  /** The one thing to do. */
  remedy: z.string(),
  /** What the newest of them said. */
  message: z.string(),
  attempts: z.int(),
  frames: z.int(),
  jobs: z.int(),
  workers: z.int(),
  firstAt: z.string(),
  lastAt: z.string(),
  /** Attempts by time, oldest first. */
  times,
  /** Those with the most, three at most. */
  topJobs: z.array(z.object({ id: z.string(), name: z.string() })),
  topWorkers: z.array(z.string()),
  /** The newest. */
  sample: z.object({
    attempt: z.string(),
    job: z.string(),
    step: z.string(),
    /** null: it is not known which frame of the attempt failed. */
    frame: z.int().nullable(),
    worker: z.string(),
  }),
});
export type FailureGroup = z.infer<typeof failureGroupSchema>;

const spanParts = {
  /** By the database's clock. */
  now: z.string(),
  from: z.string(),
  /** Failed attempts that this is made of; the newest 10,000 at most. */
  considered: z.int(),
  /** There were more: older ones are left out. */
  truncated: z.boolean(),
};

/** `GET /api/failures?since=24h`: what failed, by reason; most frames first. */
export const failuresSchema = z.object({
  ...spanParts,
  groups: z.array(failureGroupSchema),
  /** Reasons beyond `limit`. */
  hiddenGroups: z.int(),
});
export type Failures = z.infer<typeof failuresSchema>;

/** `GET /api/failures/:id?since=24h`: one reason, with what can be done about it where. */
export const failureDetailsSchema = z.object({
  ...spanParts,
  group: failureGroupSchema,
  /** Those with the most attempts, thirty at most. */
  byWorker: z.array(z.object({ id: z.string(), attempts: z.int(), times })),
  byJob: z.array(z.object({ id: z.string(), name: z.string(), attempts: z.int(), times })),
  /** Steps of these jobs, fifty at most, with the frames that are failed now for this reason. */
  places: z.array(
    z.object({
      job: z.string(),
      name: z.string(),
      state: z.enum(JOB_STATES),
      step: z.string(),
      /** A range such as `1-24,30`; empty: none is failed any more. */
      frames: z.string(),
      failed: z.int(),
    }),
  ),
  /** The sample's log around the line that says it; null: no such line was found. */
  log: z.object({ before: z.array(z.string()), line: z.string(), after: z.array(z.string()) }).nullable(),
});
export type FailureDetails = z.infer<typeof failureDetailsSchema>;
