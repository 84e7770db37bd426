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

export const gpuSchema = z.strictObject({
  name: z.string().max(128),
  memoryBytes: z.int().min(0).nullable(),
});

/** Why a worker takes no tasks although it is there. */
export const workerPauseSchema = z.strictObject({
  by: z.enum(['wrangler', 'timetable', 'owner', 'quarantine']),
  reason: z.string().max(500),
  /** ISO 8601 in UTC; null: until somebody says so. */
  until: z.string().nullable(),
});
export type WorkerPause = z.infer<typeof workerPauseSchema>;

/** What the farm keeps of a worker and tells it again whenever its heartbeat differs. */
export const workerOrdersSchema = z.strictObject({
  /** By a wrangler, its owner or quarantine; null: it may work. */
  pause: workerPauseSchema.nullable(),
  /** When it may work, such as `19:00-08:00 and weekends`, by its own clock; null: as its own settings say. */
  timetable: z.string().max(200).nullable(),
});
export type WorkerOrders = z.infer<typeof workerOrdersSchema>;

/**
 * Body of `status.worker.<id>`, every 2 seconds and at once when something changed. What has a default may be missing:
 * a worker of an older version says less.
 */
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
  gpus: z.array(gpuSchema).max(64).default([]),
  /** Where it stands, and words that its operator gave it: jobs can ask for them. */
  site: idSchema.nullable().default(null),
  tags: z.array(idSchema).max(32).default([]),
  /** Shared storage that it has mounted and can read. */
  roots: z.array(idSchema).max(256).default([]),
  state: z.enum(['idle', 'busy', 'paused', 'draining', 'stopping']),
  /** With state `paused`: why. Also while it still has tasks in hand. */
  pause: workerPauseSchema.nullable().default(null),
  /** The orders that it follows, as it was last told. */
  orders: workerOrdersSchema.default({ pause: null, timetable: null }),
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
        slots: z.int().min(1).default(1),
        /** Delivered, and waiting for a slot or its assets. */
        waiting: z.boolean().default(false),
      }),
    )
    .max(4_096),
  warmSessions: z.array(z.string().max(160)).max(256),
  /** First 16 hexadecimal digits of the assets whose scenes are loaded in warm sessions, and of those on its disk. */
  warmAssets: z.array(z.string().max(16)).max(256).default([]),
  cachedAssets: z.array(z.string().max(16)).max(1_024).default([]),
  /** Since the process began: tasks that found their scene loaded, and those that had to load it. */
  sessionHits: z.int().min(0).default(0),
  sessionMisses: z.int().min(0).default(0),
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
    /**
     * What it may pull, in this order. `shared`: tasks for any worker of its group; `home`: tasks for this worker alone;
     * `reserved`: a big task: it takes nothing else until so many slots are free, and then this one.
     */
    lanes: z
      .array(
        z.strictObject({
          lane: idSchema,
          slots: z.int().min(1),
          kind: z.enum(['shared', 'home', 'reserved']),
        }),
      )
      .max(16),
    /** As of now: it takes nothing before it has heard whether it may. */
    orders: workerOrdersSchema,
  }),
  z.strictObject({ type: z.literal('orders'), orders: workerOrdersSchema }),
  /** The machine's owner wants it back: engines end now, tasks go back without fault. Its orders say for how long. */
  z.strictObject({ type: z.literal('give-back') }),
  /** Finish the frame under way and give the rest of these attempts back. */
  z.strictObject({ type: z.literal('release'), attempts: z.array(z.string()), reason: z.string().max(500) }),
  /** The farm's shared storage has changed: ask for it anew (`ask.<worker>.roots`). */
  z.strictObject({ type: z.literal('roots') }),
  z.strictObject({ type: z.literal('drain') }),
  /** Make a preview beside the work, if it is at none: what of, it asks (`ask.<worker>.preview`). */
  z.strictObject({ type: z.literal('preview'), order: idSchema }),
  /** Frames of an attempt that somebody else has rendered or taken: leave them out. */
  z.strictObject({ type: z.literal('drop'), attempt: z.string(), frames: z.array(frameNumber) }),
]);
export type WorkerControl = z.infer<typeof workerControlSchema>;

/** Body of `control.job.<job>`: `stop` ends engines now, `release` finishes the frame under way and gives the rest back. */
export const jobStopSchema = z.strictObject({ type: z.enum(['stop', 'release']) });
