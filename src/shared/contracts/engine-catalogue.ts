import { z } from 'zod';

/** What the farm must know of an engine to check a job before a worker sees it. */
export interface EngineDescription {
  id: string;
  label: string;
  /** Whether a step of this engine names a scene. */
  scene: 'required' | 'none';
  /** `range`: renders numbered frames. `unit`: one unit of work per step, stored as frame 0. */
  work: 'range' | 'unit';
  /** Whether a step takes another step's frames. */
  inputs: 'required' | 'none';
  formats: readonly [string, ...string[]];
  settings: z.ZodType;
}

const colour = z.string().regex(/^#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?$/, 'a colour such as #1a2b3c');

export const lottieSettings = z.strictObject({
  /** Behind the animation; transparent by default. */
  background: colour.optional(),
  quality: z.int().min(1).max(100).optional(),
});

export const povraySettings = z.strictObject({
  quality: z.int().min(0).max(11).optional(),
  /** Antialias threshold (`+A`); off when absent. */
  antialias: z.number().min(0).max(3).optional(),
  /** `+KFI +KFF +KI +KF`: the whole animation that the job's frames are a part of. */
  animation: z
    .strictObject({
      initialFrame: z.int(),
      finalFrame: z.int(),
      initialClock: z.number().optional(),
      finalClock: z.number().optional(),
      cyclic: z.boolean().optional(),
    })
    .optional(),
  /** `Declare=name=number`, for scenes that use `#ifndef`. */
  declare: z.record(z.string().regex(/^[A-Za-z_]\w{0,39}$/), z.number()).optional(),
});

export const blenderSettings = z.strictObject({
  scene: z.string().min(1).max(64).optional(),
  camera: z.string().min(1).max(64).optional(),
  viewLayers: z.array(z.string().min(1).max(64)).min(1).max(64).optional(),
  renderer: z.enum(['CYCLES', 'EEVEE', 'WORKBENCH']).optional(),
  samples: z.int().min(1).max(1_000_000).optional(),
  resolutionPercent: z.int().min(1).max(1000).optional(),
  denoise: z.boolean().optional(),
  /** Render passes to store as further outputs, by Blender's names: `Z`, `Normal`, `Mist`, `DiffCol` … */
  passes: z
    .array(z.string().regex(/^[A-Za-z_]\w{0,63}$/))
    .max(32)
    .optional(),
});

export const ffmpegSettings = z.strictObject({
  /** Constant rate factor of H.264; lower is better. */
  crf: z.int().min(0).max(51).optional(),
  preset: z
    .enum(['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'])
    .optional(),
  /** A sound file to mux, as `asset:<sha256>/<path>`; cut to the length of the pictures. */
  audio: z.string().optional(),
});

export const nullSettings = z.strictObject({
  /** Milliseconds that each frame pretends to take. */
  frameMs: z.number().min(0).max(3_600_000).optional(),
  /** Log `told <ns>` when a frame begins and `done <ns>` when it ends, by the machine's monotonic clock: for measuring. */
  logTimes: z.boolean().optional(),
});

const ENGINES = [
  {
    id: 'lottie',
    label: 'Lottie (Skottie)',
    scene: 'required',
    work: 'range',
    inputs: 'none',
    formats: ['png', 'jpg', 'webp'],
    settings: lottieSettings,
  },
  {
    id: 'povray',
    label: 'POV-Ray',
    scene: 'required',
    work: 'range',
    inputs: 'none',
    formats: ['png'],
    settings: povraySettings,
  },
  {
    id: 'blender',
    label: 'Blender',
    scene: 'required',
    work: 'range',
    inputs: 'none',
    formats: ['png', 'jpg', 'exr', 'tif', 'webp'],
    settings: blenderSettings,
  },
  {
    id: 'ffmpeg',
    label: 'FFmpeg',
    scene: 'none',
    work: 'unit',
    inputs: 'required',
    formats: ['mp4'],
    settings: ffmpegSettings,
  },
  {
    id: 'null',
    label: 'Null (measures the farm)',
    scene: 'none',
    work: 'range',
    inputs: 'none',
    formats: ['none'],
    settings: nullSettings,
  },
] as const satisfies readonly EngineDescription[];

export const ENGINE_IDS: readonly string[] = ENGINES.map((engine) => engine.id);

export function describeEngine(id: string): EngineDescription | undefined {
  return ENGINES.find((engine) => engine.id === id);
}

/** The one frame number of a step that is a single unit of work. */
export const UNIT_FRAME = 0;
