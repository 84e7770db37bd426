import type { Engine } from './engine.ts';
import { blenderEngine } from './blender/engine.ts';
import { ffmpegEngine } from './ffmpeg/engine.ts';
import { htmlEngine } from './html/engine.ts';
import { lottieEngine } from './lottie/engine.ts';
import { nullEngine } from './null/engine.ts';
import { povrayEngine } from './povray/engine.ts';

/** Every engine that this worker knows how to run; which of them its machine has is found out at start. */
export const ENGINES: readonly Engine[] = [
  lottieEngine,
  htmlEngine,
  blenderEngine,
  povrayEngine,
  ffmpegEngine,
  nullEngine,
];
