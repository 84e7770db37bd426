import { z } from 'zod';

/** A sample is the mean of so many seconds. */
export const HISTORY_STEP_SECONDS = 10;
/** Ten minutes. */
export const HISTORY_SAMPLES = 60;

/** Percent in steps of four, from 0 to 100: `A` to `Z`; `.`: nothing was heard. */
const gauge = z.string().regex(/^[A-Z.]*$/);

/** `GET /api/worker-history`: gauges of the last ten minutes by worker, oldest first, the last letter just now. */
export const workersHistorySchema = z.object({
  /** By the gateway's clock. */
  now: z.string(),
  stepSeconds: z.int(),
  workers: z.record(
    z.string(),
    z.object({
      /** Load against its cores. */
      cpu: gauge,
      memory: gauge,
      /** Slots that render. */
      slots: gauge,
    }),
  ),
});
export type WorkersHistory = z.infer<typeof workersHistorySchema>;

/** `GET /api/workers/:id/attempts`: what it was given, newest first. */
export const workerAttemptsSchema = z.object({
  /** By the database's clock: where attempts that run end. */
  now: z.string(),
  attempts: z.array(
    z.object({
      id: z.string(),
      job: z.string(),
      name: z.string(),
      step: z.string(),
      engine: z.string(),
      /** A range such as `1-24`. */
      frames: z.string(),
      outcome: z.string().nullable(),
      class: z.string().nullable(),
      error: z.string().nullable(),
      startedAt: z.string(),
      endedAt: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
});
export type WorkerAttempts = z.infer<typeof workerAttemptsSchema>;
