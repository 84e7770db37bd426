import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { FarmError, describeValue } from '../domain/errors.ts';
import { inspectBlender } from './inspect-blender.ts';
import { inspectHtml } from './inspect-html.ts';
import { inspectLottie } from './inspect-lottie.ts';
import { inspectSvg, inspectSynfig } from './inspect-xml.ts';
import { inspectPovray } from './inspect-povray.ts';
import { locateScene, type InspectOptions, type SceneInspection } from './scene-inspection.ts';

/**
 * Reads engine, frame range, size and needed files from a scene: `.blend`, POV-Ray's `.pov` and `.ini`, Lottie's
 * `.json`, `.html`, `.svg`, Synfig's `.sif`.
 * Nothing of the scene is run.
 * @param path the scene, whose folder then is the one its files may come from; with `entry`, that folder
 * @param entry the scene's path inside the folder
 * @throws FarmError `not-found` or `invalid` in a sentence for whoever chose the file
 */
export async function inspectScene(
  path: string,
  entry?: string,
  options: InspectOptions = {},
): Promise<SceneInspection> {
  const file = entry === undefined ? path : join(path, entry);
  const info = await stat(file).catch((error: unknown) => {
    throw new FarmError('not-found', `${describeValue(file)} is not there.`, { cause: error });
  });
  if (!info.isFile()) throw new FarmError('invalid', `${describeValue(file)} is not a file.`);
  const { root, scene } = await locateScene(path, entry);
  switch (extname(scene).toLowerCase()) {
    case '.json':
      return inspectLottie(root, scene, options);
    case '.pov':
    case '.ini':
      return inspectPovray(root, scene);
    case '.blend':
      return inspectBlender(root, scene, options);
    case '.html':
    case '.htm':
      return inspectHtml(root, scene, options);
    case '.svg':
    case '.svgz':
      return inspectSvg(root, scene, options);
    case '.sif':
    case '.sifz':
      return inspectSynfig(root, scene, options);
    case '.lottie':
      throw new FarmError(
        'invalid',
        `${scene} is a dotLottie archive: unpack it and submit the animation's .json.`,
      );
    default:
      throw new FarmError(
        'invalid',
        `${scene} is no scene that the farm knows; expected .blend, .pov, .ini (POV-Ray), .json (Lottie), .html, .svg or .sif (Synfig).`,
      );
  }
}
