import { z } from 'zod';
import { assetPathSchema } from './manifest.ts';

/** `POST /api/inspect`: what a scene that was uploaded says about itself. */
export const inspectRequestSchema = z.strictObject({
  asset: z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
  /** The scene in the asset. */
  scene: assetPathSchema,
});

export const sceneReportSchema = z.object({
  engine: z.string(),
  /** Version of the program that wrote it; null where the file does not say. */
  madeWith: z.string().nullable(),
  /** Its path in the asset; of a scene that was not uploaded, from the folder around all its files. */
  scene: z.string(),
  /** A range such as `1-100`. */
  frames: z.string(),
  fps: z.number().nullable(),
  width: z.int().nullable(),
  height: z.int().nullable(),
  /** Scenes in the file, the one that is rendered first. */
  scenes: z.array(z.string()),
  cameras: z.array(z.string()),
  /** What `data` may replace. */
  slots: z.array(
    z.object({ name: z.string(), kind: z.enum(['text', 'colour', 'number', 'image', 'value']) }),
  ),
  /** The scene and the files that it needs. */
  files: z.array(z.object({ path: z.string(), bytes: z.number() })),
  /** What it needs and does not have, one sentence each. */
  missing: z.array(z.string()),
  /** What may come out wrong. */
  warnings: z.array(z.string()),
  notes: z.array(z.string()),
});
export type SceneReport = z.infer<typeof sceneReportSchema>;
