import { z } from 'zod';
import { nextReplySchema } from './messages.ts';

const next = nextReplySchema.options[0].shape;

/** Tasks of one size for one group of workers. */
const laneSchema = z.object({
  lane: z.string(),
  group: z.string(),
  /** Slots that each of its tasks takes. */
  size: z.int(),
  /** Tasks that wait in it, and tasks of it that run. */
  queued: z.int(),
  running: z.int(),
  /** How long its oldest task has waited; null: none waits. */
  oldestSeconds: z.number().nullable(),
});
export type Lane = z.infer<typeof laneSchema>;

/** `GET /api/queue`: what runs next and why, who has how much, and what waits where. */
export const queueSchema = z.object({
  ...next,
  order: z.array(next.order.element.extend({ name: z.string() })),
  /** Lanes in which something waits or runs, and those of workers that are here; the fullest first, at most 200. */
  lanes: z.array(laneSchema),
});
export type Queue = z.infer<typeof queueSchema>;
