import { z } from 'zod';
import { idSchema } from '../job-document.ts';
import { frameNumber } from './message-parts.ts';

export const detectedEngineSchema = z.strictObject({
  id: idSchema,
  version: z.string().min(1).max(64),
  /** What this build can do and others cannot: `oidn`, `gpu` … */
  features: z.array(z.string().max(64)).max(64),
});
export type DetectedEngine = z.infer<typeof detectedEngineSchema>;

/** Body of `status.worker.<id>`, every 2 seconds and at once when something changed. */
export const heartbeatSchema = z.strictObject({
  version: z.literal(1),
  workerId: idSchema,
  instance: idSchema,
  host: z.string().max(255),
  pid: z.int(),
  platform: z.string().max(64),
  slots: z.int().min(1).max(4_096),
  cores: z.int().min(1),
  memoryBytes: z.int(),
  freeMemoryBytes: z.int(),
  load: z.number(),
  state: z.enum(['idle', 'busy', 'draining', 'stopping']),
  engines: z.array(detectedEngineSchema).max(256),
  /** Lanes it pulls from at present. */
  lanes: z.array(idSchema).max(64),
  /** Attempts it holds, with the frame that is being rendered and for how long. */
  attempts: z
    .array(
      z.strictObject({
        attempt: z.string().max(160),
        taskId: idSchema,
        jobId: idSchema,
        frame: frameNumber.nullable(),
        frameSeconds: z.number().min(0),
      }),
    )
    .max(4_096),
  warmSessions: z.array(z.string().max(160)).max(256),
  cacheBytes: z.int().min(0),
  /** Trouble that people should see: disk full, clock off … */
  problems: z.array(z.string().max(500)).max(20),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** Body of `status.progress.<worker>`; for eyes only, nothing depends on it. */
export const progressSchema = z.strictObject({
  version: z.literal(1),
  jobId: idSchema,
  taskId: idSchema,
  step: idSchema,
  frame: frameNumber,
  fraction: z.number().min(0).max(1),
  note: z.string().max(200).optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/** Body of `logs.<job>.<task>`: a piece of an attempt's log at a byte offset. */
export const logPieceSchema = z.strictObject({
  version: z.literal(1),
  attempt: z.string().max(160),
  offset: z.int().min(0),
  text: z.string(),
});
export type LogPiece = z.infer<typeof logPieceSchema>;

/** Body of `control.worker.<id>`. */
export const workerControlSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('lanes'),
    lanes: z.array(z.strictObject({ lane: idSchema, slots: z.int().min(1) })),
  }),
  z.strictObject({ type: z.literal('drain') }),
  /** Frames of an attempt that somebody else has rendered or taken: leave them out. */
  z.strictObject({ type: z.literal('drop'), attempt: z.string(), frames: z.array(frameNumber) }),
]);
export type WorkerControl = z.infer<typeof workerControlSchema>;

/** Body of `control.job.<job>`: `stop` ends engines now, `release` finishes the frame under way and gives the rest back. */
export const jobStopSchema = z.strictObject({ type: z.enum(['stop', 'release']) });
