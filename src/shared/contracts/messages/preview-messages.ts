import { z } from 'zod';
import { FRAME_STATES } from '../../domain/states.ts';
import { idSchema } from '../job-document.ts';
import { frameNumber, sha256 } from './message-parts.ts';

/** Pictures of a whole step: many frames in one picture, or a small video. */
export const PREVIEW_KINDS = ['contact-sheet', 'proxy'] as const;
export type PreviewKind = (typeof PREVIEW_KINDS)[number];

/** `ask.<worker>.preview`: what a preview that was ordered (`control.worker.<id>`) is made of, a page of frames at a time. */
export const previewRequestSchema = z.strictObject({
  version: z.literal(1),
  order: idSchema,
  after: frameNumber.nullable(),
});
export type PreviewRequest = z.infer<typeof previewRequestSchema>;

const previewFrameSchema = z.strictObject({
  frame: frameNumber,
  state: z.enum(FRAME_STATES),
  /** Of its main output; null while there is none. */
  key: z.string().nullable(),
});
export type PreviewFrame = z.infer<typeof previewFrameSchema>;

export const previewReplySchema = z.union([
  z.strictObject({
    jobId: idSchema,
    step: idSchema,
    kind: z.enum(PREVIEW_KINDS),
    fps: z.number(),
    /** Ascending by frame. */
    frames: z.array(previewFrameSchema),
    more: z.boolean(),
  }),
  /** Nobody waits for it any more. */
  z.strictObject({ gone: z.literal(true) }),
  z.strictObject({ error: z.string() }),
]);
export type PreviewReply = z.infer<typeof previewReplySchema>;

/** `ask.<worker>.preview-done`: it is stored, or could not be made. */
export const previewDoneRequestSchema = z.strictObject({
  version: z.literal(1),
  order: idSchema,
  outcome: z.union([
    z.strictObject({
      key: z.string().max(1_024),
      bytes: z.int().min(1),
      sha256,
      /** Frames whose pictures are in it. */
      frames: z.int().min(0),
    }),
    z.strictObject({ error: z.string().max(2_000) }),
  ]),
});
export type PreviewDoneRequest = z.infer<typeof previewDoneRequestSchema>;
export const previewDoneReplySchema = z.union([
  z.strictObject({ ok: z.literal(true) }),
  z.strictObject({ error: z.string() }),
]);
export type PreviewDoneReply = z.infer<typeof previewDoneReplySchema>;
