import { z } from 'zod';
import { CHECKS, findingSchema, measuresSchema, qualityPolicySchema, VERDICTS } from './quality.ts';

/** HTTP bodies about what was found in results. */

/** What became of a result: the first three by the farm itself, the others by a person. */
const decision = z.enum(['rendered-again', 'held', 'settled', 'accepted', 'retried', 'skipped']);

/** Frames that wait for a person: `accept`, `retry` or `skip` them. */
export const waitingDecisionsSchema = z.object({
  frames: z.int(),
  /** The first ten, in the order of the steps. */
  first: z.array(
    z.object({ step: z.string(), number: z.int(), generation: z.int(), reason: z.string().nullable() }),
  ),
});
export type WaitingDecisions = z.infer<typeof waitingDecisionsSchema>;

/** `GET /api/jobs/:id/quality`. */
export const jobQualitySchema = z.object({
  steps: z.array(
    z.object({
      step: z.string(),
      policy: qualityPolicySchema,
      /** Its frames are still to be compared with each other; until then the step is not complete. */
      comparing: z.boolean(),
      /** Frames that are done or held, by verdict; `none`: nothing of them was looked at. */
      verdicts: z.record(z.enum([...VERDICTS, 'none']), z.int()),
    }),
  ),
  /** What was found in frames that are done or held, most frames first. */
  findings: z.array(
    z.object({
      step: z.string(),
      check: z.enum(CHECKS),
      verdict: z.enum(VERDICTS),
      frames: z.int(),
      /** The first ten. */
      first: z.array(z.int()),
      /** Of the first of them. */
      message: z.string(),
    }),
  ),
  decisions: waitingDecisionsSchema.nullable(),
  /** Two workers made good, but different pictures of one frame; the newest first, a hundred at most. */
  disagreements: z.array(
    z.object({
      step: z.string(),
      frame: z.int(),
      workers: z.array(z.string()),
      attempts: z.array(z.string()),
      /** 0–1, where they differ most. */
      difference: z.number(),
    }),
  ),
});
export type JobQuality = z.infer<typeof jobQualitySchema>;

/** `GET /api/jobs/:id/frames/:step/:frame/quality`. */
export const frameQualityPageSchema = z.object({
  step: z.string(),
  frame: z.int(),
  generation: z.int(),
  state: z.string(),
  verdict: z.enum(VERDICTS).nullable(),
  findings: z.array(findingSchema),
  measures: measuresSchema.nullable(),
  /** Earlier results, and those that something was decided about; oldest first. */
  attempts: z.array(
    z.object({
      generation: z.int(),
      attempt: z.string().nullable(),
      worker: z.string().nullable(),
      verdict: z.enum(VERDICTS).nullable(),
      findings: z.array(findingSchema),
      /** SHA-256 of the decoded pixels. */
      pixels: z.string().nullable(),
      key: z.string().nullable(),
      /** A picture of it for browsers; holds for five minutes. Null where nothing was stored. */
      url: z.string().nullable(),
      at: z.string(),
      decision: decision.nullable(),
      by: z.string().nullable(),
      note: z.string().nullable(),
      decidedAt: z.string().nullable(),
      /** Another worker's later result that looks otherwise. */
      differs: z.object({ worker: z.string(), attempt: z.string(), difference: z.number() }).nullable(),
    }),
  ),
});
export type FrameQualityPage = z.infer<typeof frameQualityPageSchema>;

/** A character for each frame: its verdict now, or that nothing of it was looked at. */
export const VERDICT_LETTERS = {
  pass: 'p',
  unchecked: 'u',
  warn: 'w',
  fail: 'f',
  hold: 'h',
  none: '.',
} as const;

/** `GET /api/jobs/:id/verdicts`: as much as a page needs to colour all frames. */
export const jobVerdictsSchema = z.object({
  /** Steps that are too large to draw each frame are left out. */
  steps: z.array(
    z.object({
      step: z.string(),
      /** In the step's order; frames without a row yet are missing at its end. */
      verdicts: z.string().regex(/^[puwfh.]*$/),
    }),
  ),
});
export type JobVerdicts = z.infer<typeof jobVerdictsSchema>;
