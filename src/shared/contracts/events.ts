import { z } from 'zod';
import { idSchema } from './job-document.ts';
import { jobStatusSchema, jobSummarySchema } from './messages/job-messages.ts';

/** What webhooks can be told, and what programs find in the event stream. */
export const EVENT_TYPES = [
  'job.completed',
  'job.failed',
  'job.cancelled',
  'job.held', // nothing of it goes on before somebody decides
  'job.delivered', // nothing failed, nothing is held: its results can be taken
  'frame.failed', // given up after its last attempt
  'frame.held', // waits for a decision while the rest of its job goes on
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Frames and labels that an event lists at most, so that a body stays small whatever the job. */
export const MOST_LISTED_FRAMES = 100;
export const MOST_LISTED_LABELS = 50;

const eventFrameSchema = z.object({
  step: idSchema,
  number: z.int(),
  generation: z.int(),
  worker: z.string().nullable(),
  /** Why it failed or is held. */
  error: z.string().nullable(),
});
export type EventFrame = z.infer<typeof eventFrameSchema>;

/** The job as it was then, without its steps; of its labels the first 50. */
export const eventJobSchema = jobSummarySchema.omit({ steps: true });

export const farmEventSchema = z.object({
  type: z.enum(EVENT_TYPES),
  /** When it came about. */
  timestamp: z.string(),
  data: z.object({
    job: eventJobSchema,
    /** The frames that the event is about: how many, and the first 100 of them. */
    frames: z.object({ count: z.int(), listed: z.array(eventFrameSchema) }).optional(),
    /** How the held frames are answered: `POST` to this path with one of the verbs for `{verb}`. */
    decide: z.object({ path: z.string(), verbs: z.array(z.string()) }).optional(),
  }),
});
export type FarmEvent = z.infer<typeof farmEventSchema>;

/** What `webhooks test` sends. */
export const pingEventSchema = z.object({
  type: z.literal('ping'),
  timestamp: z.string(),
  data: z.object({ webhook: idSchema }),
});
export type PingEvent = z.infer<typeof pingEventSchema>;

const [jobStatus, refusedStatus, controlStatus] = jobStatusSchema.options;

/** In `GET /api/events` beside the above: every word on `status.job`, and what the stream says of itself. */
export const STREAM_TYPES = [...EVENT_TYPES, 'job.changed', 'job.refused', 'job.control'] as const;
export type StreamType = (typeof STREAM_TYPES)[number];

const part = { timestamp: z.string() };

/** `data:` of one server-sent event of `GET /api/events`; `event:` is its type. */
export const streamEventSchema = z.discriminatedUnion('type', [
  farmEventSchema,
  z.object({ type: z.literal('job.changed'), ...part, data: jobStatus.omit({ type: true }) }),
  z.object({ type: z.literal('job.refused'), ...part, data: refusedStatus.omit({ type: true }) }),
  z.object({ type: z.literal('job.control'), ...part, data: controlStatus.omit({ type: true }) }),
  /** Events from sequence `from` to `to` are no longer kept; what follows begins after them. */
  z.object({
    type: z.literal('gap'),
    ...part,
    data: z.object({ from: z.int().nullable(), to: z.int().nullable(), reason: z.string() }),
  }),
  /** The stream ends here, and why; go on from the last id. */
  z.object({ type: z.literal('end'), ...part, data: z.object({ reason: z.string() }) }),
]);
export type StreamEvent = z.infer<typeof streamEventSchema>;
