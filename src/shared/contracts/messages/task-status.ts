import { z } from 'zod';
import { idSchema } from '../job-document.ts';
import { frameQualitySchema } from '../quality.ts';
import { frameNumber, frameRef, generation, sha256 } from './message-parts.ts';

/** Three years: no frame takes longer, and its ledger column holds it. */
const MAX_SECONDS = 100_000_000;

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
  /** What the worker saw in it; absent where nothing is checked (null engine, mode `off`). */
  quality: frameQualitySchema.optional(),
});
export type FrameResult = z.infer<typeof frameResultSchema>;

export const FAILURE_CLASSES = [
  'scene', // the scene or its settings cannot be rendered
  'missing-asset',
  'untrusted-scripts', // the scene has scripts that nobody has allowed to run; uses up no attempt, a person decides
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
  /** What the engine is run by: `<id>@<version>` of the farm's store, `<id>@<digest>` of the worker's own. */
  definition: z.string().max(160).optional(),
};

/** Body of `status.task.<worker>.<job>.<task>`. Each carries what is needed to place it: they may come twice, late, in any order. */
export const taskStatusSchema = z.discriminatedUnion('type', [
  /** Rendering begins. Not said by a task that completes within milliseconds. */
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
