import { z } from 'zod';
import { idSchema, inputSchema } from '../job-document.ts';
import { qualityPolicySchema } from '../quality.ts';
import { frameRef, sha256 } from './message-parts.ts';

const path = z.string().min(1).max(1_024);
/** A file inside an asset: a manifest of files stored by hash. */
const assetFileSchema = z.strictObject({ asset: sha256, path });
/** A file on shared storage that workers mount. */
const rootFileSchema = z.strictObject({ root: idSchema, path });
/** A scene as a worker finds it. */
export const sceneRefSchema = z.union([assetFileSchema, rootFileSchema]);
export type AssetFile = z.infer<typeof assetFileSchema>;
export type SceneRef = z.infer<typeof sceneRefSchema>;

/** Body of `tasks.<engine>.<lane>.<job>.<task>`: all that a worker needs to render a chunk of frames. */
export const taskMessageSchema = z.strictObject({
  version: z.literal(1),
  taskId: idSchema,
  jobId: idSchema,
  feed: z.int().min(1),
  step: idSchema,
  engine: idSchema,
  scene: sceneRefSchema.nullable(),
  /** In the order in which they are to be rendered. */
  frames: z.array(frameRef).min(1).max(10_000),
  /** Frames may be done or running elsewhere already: ask (`ask.<worker>.resume`) before rendering. */
  resume: z.boolean(),
  /** Names of inputs and the steps they come from; the files are asked for (`ask.<worker>.inputs`). */
  inputs: z.record(idSchema, inputSchema),
  /** Where values of `data` go, by template: slot name → value, checked against its schema already. */
  data: z.record(z.string(), z.json()),
  settings: z.record(z.string(), z.json()),
  output: z.strictObject({
    format: z.string(),
    width: z.int().optional(),
    height: z.int().optional(),
    fps: z.number().optional(),
  }),
  /** How its results are judged; what is left out takes the defaults. */
  quality: qualityPolicySchema.optional(),
  /** Slots of the worker that the task takes: its share of cores and memory is as many times that of one slot. */
  slots: z.int().min(1).max(4_096),
  /** GPUs that the task takes; 0: none is promised to it. */
  gpus: z.int().min(0).max(64),
  /** Seconds; absent ones take the engine's own. */
  timeouts: z.strictObject({
    start: z.number().optional(),
    silence: z.number().optional(),
    frame: z.number().optional(),
  }),
});
export type TaskMessage = z.infer<typeof taskMessageSchema>;
