import { z } from 'zod';
import { idSchema } from '../job-document.ts';
import { storageRootSchema } from '../storage-roots.ts';
import { frameNumber, frameRef, sha256 } from './message-parts.ts';

/** `ask.<worker>.resume`: which of these frames are still wanted from this attempt? The ledger re-adopts the attempt. */
export const resumeRequestSchema = z.strictObject({
  version: z.literal(1),
  taskId: idSchema,
  jobId: idSchema,
  attempt: z.string().max(160),
  feed: z.int().min(1),
  instance: idSchema,
  frames: z.array(frameRef),
  /** The frame that is being rendered right now, which is not to be thrown away lightly. */
  current: frameNumber.nullable(),
});
export type ResumeRequest = z.infer<typeof resumeRequestSchema>;
export const resumeReplySchema = z.union([
  z.strictObject({ wanted: z.array(frameNumber) }),
  z.strictObject({ error: z.string() }),
]);
export type ResumeReply = z.infer<typeof resumeReplySchema>;

/** `ask.<worker>.inputs`: the accepted frames of another step, ascending by frame, a page at a time. */
export const inputsRequestSchema = z.strictObject({
  version: z.literal(1),
  jobId: idSchema,
  step: idSchema,
  after: frameNumber.nullable(),
  limit: z.int().min(1).max(2_000),
  /** Also which frames of these pages have no result; a worker of an older version does not ask. */
  withMissing: z.literal(true).optional(),
});
export type InputsRequest = z.infer<typeof inputsRequestSchema>;
export const inputsReplySchema = z.union([
  z.strictObject({
    files: z.array(z.strictObject({ frame: frameNumber, key: z.string(), bytes: z.int(), sha256 })),
    more: z.boolean(),
    /** Frames up to the last file of this page (in the last page: all further ones) that have no result. */
    missing: z.array(frameNumber).optional(),
  }),
  z.strictObject({ error: z.string() }),
]);
export type InputsReply = z.infer<typeof inputsReplySchema>;

/** `ask.<worker>.roots`: the shared storage that the farm knows, and where it lies on each kind of machine. */
export const rootsRequestSchema = z.strictObject({ version: z.literal(1) });

export const rootsReplySchema = z.union([
  z.strictObject({ roots: z.array(storageRootSchema) }),
  z.strictObject({ error: z.string() }),
]);
export type RootsReply = z.infer<typeof rootsReplySchema>;
