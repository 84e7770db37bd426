import { z } from 'zod';
import { FAILURE_CLASSES } from '../../shared/contracts/messages.ts';

/**
 * What a warm session says, one JSON object a line on its file descriptor 3. Requests go to its stdin, a line each:
 * `{type: 'load', …}` once, then `{type: 'render', id, frame, outDir, …}` one at a time, and `{type: 'quit'}`. Its stdout
 * and stderr stay the engine's own chatter.
 */
export const sessionReplySchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), version: z.string(), features: z.array(z.string()) }),
  z.object({ type: z.literal('loaded'), seconds: z.number(), warnings: z.array(z.string()) }),
  z.object({
    type: z.literal('progress'),
    id: z.int(),
    fraction: z.number(),
    note: z.string().optional(),
  }),
  z.object({
    type: z.literal('done'),
    id: z.int(),
    seconds: z.number(),
    /** The first is the main output. */
    outputs: z.array(z.object({ name: z.string(), path: z.string() })).min(1),
    warnings: z.array(z.string()),
  }),
  z.object({
    type: z.literal('fail'),
    /** null: loading failed. */
    id: z.int().nullable(),
    class: z.enum(FAILURE_CLASSES),
    message: z.string(),
    /** Another frame may be rendered all the same. */
    usable: z.boolean(),
  }),
]);
export type SessionReply = z.infer<typeof sessionReplySchema>;
