import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { readLottie } from './lottie-animation.ts';
import { dataSlots } from './lottie-slots.ts';
import {
  NOTHING_MORE,
  NeededFiles,
  frameRange,
  type InspectOptions,
  type SceneInspection,
} from './scene-inspection.ts';

/** @throws FarmError `invalid` when the file is no Lottie animation, naming the fields */
export async function inspectLottie(
  root: string,
  scene: string,
  { shared }: InspectOptions = {},
): Promise<SceneInspection> {
  const lottie = readLottie(await readFile(join(root, scene)), scene);
  const needed = new NeededFiles(root, shared);
  await needed.add(posix.basename(scene), scene);
  const folder = posix.dirname(scene);
  for (const image of lottie.images) {
    if (image.absolute !== null && (await needed.isShared(image.absolute))) continue;
    if (image.path !== null) await needed.add(image.path, scene);
    else if (image.embedded === null) needed.missing.push(`${image.label} (not a file beside the animation)`);
  }
  const notes = [...lottie.notes];
  for (const font of lottie.fonts) {
    if (font.path?.startsWith('data:') === true) continue;
    if (font.absolute !== null && (await needed.isShared(font.absolute))) continue;
    const stems = [font.name, `${font.family}-${font.style}`, `${font.family} ${font.style}`, font.family];
    const names = new Set(stems.flatMap((stem) => [`${stem}.ttf`, `${stem}.otf`]));
    const own = font.path === null ? 0 : Number(await needed.addIfThere(posix.join(folder, font.path)));
    const beside = await needed.addMatching(folder, (name) => names.has(name));
    const inFonts = await needed.addMatching(posix.join(folder, 'fonts'), (name) => names.has(name));
    if (own + beside + inFonts === 0)
      notes.push(`the font ${font.name} is not beside it (${font.name}.ttf); Inter stands in`);
  }
  return {
    ...NOTHING_MORE,
    engine: 'lottie',
    madeWith: typeof lottie.json['v'] === 'string' ? lottie.json['v'] : null,
    slots: dataSlots(lottie.json),
    root,
    scene,
    frames: frameRange(lottie.firstFrame, lottie.lastFrame),
    fps: lottie.fps,
    width: lottie.width,
    height: lottie.height,
    files: needed.files,
    missing: needed.missing,
    roots: needed.roots,
    notes,
  };
}
