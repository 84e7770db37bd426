import { join } from 'node:path';

/** Engines that `farmhand engines install` puts into the cache folder. */
export const INSTALLABLE_ENGINES = ['blender', 'ffmpeg'] as const;
export type InstallableEngine = (typeof INSTALLABLE_ENGINES)[number];

/** In the folder of an installed engine: Blender is the Python that has the `bpy` module. */
const PROGRAMS: Record<InstallableEngine, string> = { blender: 'bin/python', ffmpeg: 'ffmpeg' };

/** Where an installed engine's program lies; workers look there after the PATH. */
export function installedProgram(engine: InstallableEngine, cache: string): string {
  return join(cache, 'engines', engine, PROGRAMS[engine]);
}
