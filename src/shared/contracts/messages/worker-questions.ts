import { z } from 'zod';
import { idSchema } from '../job-document.ts';
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
});
export type InputsRequest = z.infer<typeof inputsRequestSchema>;
export const inputsReplySchema = z.union([
  z.strictObject({
    files: z.array(z.strictObject({ frame: frameNumber, key: z.string(), bytes: z.int(), sha256 })),
    more: z.boolean(),
  }),
  z.strictObject({ error: z.string() }),
]);
export type InputsReply = z.infer<typeof inputsReplySchema>;
