import { cacheFolder } from '../../local/downloads/cache-folder.ts';
import { installEngine } from '../../local/engines/install-engine.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { findOnPath } from '../../shared/programs/find-on-path.ts';
import { VIDEO_ENGINE } from './examples.ts';

/**
 * Puts FFmpeg into the cache folder when this machine has none, so that the demo's frames become videos. A machine that
 * cannot fetch it still gets its frames.
 */
export async function ensureVideoEngine(say: (line: string) => void): Promise<void> {
  if (findOnPath(VIDEO_ENGINE) !== undefined) return;
  try {
    await installEngine(VIDEO_ENGINE, cacheFolder(), say);
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    say(`FFmpeg could not be fetched, so there will be no videos. ${error.message}`);
  }
}
