import { z } from 'zod';

/** HTTP bodies that a page draws pictures of a job from: as small as thousands of marks allow. */

/** What frames can be coloured by, beside their state and verdict. */
export const LEVEL_KINDS = ['seconds', 'memory', 'worker'] as const;
export type LevelKind = (typeof LEVEL_KINDS)[number];

/** Levels of a number, from the lowest to the highest; each is as many times the one before. */
export const LEVEL_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
/** One for each of the workers that did most of the job. */
export const WORKER_LETTERS = `${LEVEL_LETTERS}abcdefghijklmnopqrstuvwxyz`;
/** A worker that is none of those. */
export const OTHER_WORKER = '+';
/** Nothing is known of the frame. */
export const NO_LEVEL = '.';

/** `GET /api/jobs/:id/levels?of=seconds`: a letter a frame, in the step's order. */
export const jobLevelsSchema = z.object({
  of: z.enum(LEVEL_KINDS),
  /** What the first and the last letter mean: seconds or bytes; null where no frame has any, and for workers. */
  lowest: z.number().nullable(),
  highest: z.number().nullable(),
  /** Whom the letters mean; empty for numbers. */
  workers: z.array(z.string()),
  /** Steps that are too large to draw each frame are left out; frames without a row yet are missing at the end. */
  steps: z.array(z.object({ step: z.string(), levels: z.string().regex(/^[A-Za-z+.]*$/) })),
});
export type JobLevels = z.infer<typeof jobLevelsSchema>;

/** More attempts than this are told as sums. */
export const MAX_TIMELINE_BARS = 20_000;

/** `GET /api/jobs/:id/timeline?from=&to=`: which worker was at which frames, and when. */
export const jobTimelineSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** By the database's clock: where running bars end. */
  now: z.string(),
  /** Rows, by name; those with the most attempts where there are very many. */
  workers: z.array(z.string()),
  hiddenWorkers: z.int(),
  steps: z.array(z.string()),
  /** Each attempt; empty where there are too many. `worker` and `step` are places in the lists above, times milliseconds after `from`. */
  bars: z.array(
    z.object({
      id: z.string(),
      worker: z.int(),
      step: z.int(),
      start: z.number(),
      end: z.number().nullable(),
      outcome: z.string().nullable(),
      first: z.int(),
      last: z.int(),
      frames: z.int(),
    }),
  ),
  /** Sums of attempts by worker and time, where there are too many to tell each: ask for less time to see them. */
  sums: z.array(
    z.object({
      worker: z.int(),
      start: z.number(),
      end: z.number(),
      attempts: z.int(),
      failed: z.int(),
      /** That its slots were at work, in milliseconds. */
      busy: z.number(),
    }),
  ),
});
export type JobTimeline = z.infer<typeof jobTimelineSchema>;

/** `GET /api/jobs/:id/pace`: how fast frames came lately, and frames that take far longer. */
export const jobPaceSchema = z.object({
  /** Tasks that run now. */
  running: z.int(),
  /** Of the last attempts; steps of which none has finished a frame are left out. */
  steps: z.array(
    z.object({
      step: z.string(),
      /** Frames that this was measured on. */
      sample: z.int(),
      /** A quarter of them were faster. */
      quick: z.number(),
      median: z.number(),
      /** A tenth of them were slower. */
      slow: z.number(),
    }),
  ),
  /** Far above their peers; the slowest first, twenty at most. */
  stuck: z.array(
    z.object({
      step: z.string(),
      frame: z.int().nullable(),
      attempt: z.string(),
      worker: z.string(),
      seconds: z.number(),
      median: z.number(),
      /** Since its engine wrote something; null: nothing of its log is there. */
      silentSeconds: z.number().nullable(),
    }),
  ),
});
export type JobPace = z.infer<typeof jobPaceSchema>;

/** `GET /api/jobs/:id/log-search`: lines of an attempt's log, found where it is stored. */
export const logSearchSchema = z.object({
  /** The first 500. `line` counts from 1; `text` is its beginning. */
  matches: z.array(z.object({ offset: z.int(), line: z.int(), text: z.string() })),
  /** Lines that match, of those looked at. */
  count: z.int(),
  /** Bytes looked at; `done`: that is all of them. */
  searched: z.int(),
  done: z.boolean(),
});
export type LogSearch = z.infer<typeof logSearchSchema>;
