import { z } from 'zod';
import { PREVIEW_KINDS } from './messages/preview-messages.ts';

/**
 * `GET /api/jobs/:id/steps/:step/contact-sheet` and `…/proxy`. Asking is what has it made, and asking again while the job runs
 * keeps it up. `none`: there is nothing to show (yet), and `reason` says why; `making`: somebody is at it, and `url`, if any, is
 * what was made before; `ready`: it shows all that it should at present; `failed`: `reason` says why it could not be made.
 */
export const previewSchema = z.object({
  kind: z.enum(PREVIEW_KINDS),
  step: z.string(),
  state: z.enum(['none', 'making', 'ready', 'failed']),
  reason: z.string().nullable(),
  /** `shown`: frames whose pictures are in it; of large steps only every `everyNth` frame is taken. */
  frames: z.object({ shown: z.int(), done: z.int(), total: z.int(), everyNth: z.int() }),
  /** Pictures a second of a proxy; null for a contact sheet. */
  fps: z.number().nullable(),
  bytes: z.int().nullable(),
  madeAt: z.string().nullable(),
  /** Holds for five minutes. */
  url: z.string().nullable(),
});
export type Preview = z.infer<typeof previewSchema>;
