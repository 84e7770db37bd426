import type { LottieAnimation, LottieFont, LottieImage } from '../../../shared/scenes/lottie-animation.ts';
import { movedPath } from '../../roots/moved-path.ts';
import type { MovedFolder } from '../engine.ts';

/** Pictures and fonts that the animation names as another machine has them → the files here. */
export type MovedFiles = ReadonlyMap<LottieImage | LottieFont, string>;

/** @throws EngineFailure `host` when storage does not answer */
export async function movedFiles(
  { images, fonts }: LottieAnimation,
  folders: readonly MovedFolder[],
): Promise<MovedFiles> {
  const moved = new Map<LottieImage | LottieFont, string>();
  for (const named of folders.length === 0 ? [] : [...images, ...fonts]) {
    const file = named.absolute === null ? undefined : await movedPath(named.absolute, folders);
    if (file !== undefined) moved.set(named, file);
  }
  return moved;
}
