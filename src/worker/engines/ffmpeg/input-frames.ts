import { extname } from 'node:path';
import sharp from 'sharp';
import { EngineFailure, type FrameRequest } from '../engine.ts';

export type InputFrame = FrameRequest['inputs'][string][number];

export interface InputSequence {
  frames: InputFrame[];
  /** Of all of them, without the dot. */
  extension: string;
  hasAlpha: boolean;
  /** null for formats that are measured by FFmpeg only (EXR). */
  size: { width: number; height: number } | null;
  warnings: string[];
}

const MEASURED = new Set(['png', 'jpg', 'webp', 'tif']);
const READABLE = new Set([...MEASURED, 'exr']);
const AT_ONCE = 16;

/**
 * The pictures to encode: the input called `frames`, or the only one.
 * @throws EngineFailure `scene` when there are none, or they differ in format or size
 */
export async function inputSequence(inputs: FrameRequest['inputs']): Promise<InputSequence> {
  const names = Object.keys(inputs);
  const frames = inputs['frames'] ?? (names.length === 1 ? inputs[names[0] ?? ''] : undefined);
  if (!frames)
    throw new EngineFailure(
      'scene',
      `The step needs an input called "frames"; it has ${names.join(', ') || 'none'}.`,
    );
  const [first] = frames;
  if (!first) throw new EngineFailure('scene', 'The step that the pictures come from has no accepted frame.');
  const extension = extensionOf(first);
  if (!READABLE.has(extension))
    throw new EngineFailure(
      'scene',
      `Pictures in the format "${extension}" cannot be encoded; expected ${[...READABLE].join(', ')}.`,
    );
  const other = frames.find((frame) => extensionOf(frame) !== extension);
  if (other) {
    throw new EngineFailure(
      'scene',
      `The pictures have different formats: frame ${first.frame} is ${extension}, frame ${other.frame} is ${extensionOf(other)}.`,
    );
  }
  const measured = MEASURED.has(extension) ? await measure(frames) : { hasAlpha: false, size: null };
  return { frames, extension, ...measured, warnings: gapWarnings(frames) };
}

function extensionOf(frame: InputFrame): string {
  const extension = extname(frame.path).slice(1).toLowerCase();
  return extension === 'jpeg' ? 'jpg' : extension === 'tiff' ? 'tif' : extension;
}

/** Reads the headers only; whether they decode is for FFmpeg to find out. */
async function measure(frames: readonly InputFrame[]): Promise<Pick<InputSequence, 'hasAlpha' | 'size'>> {
  let size: { width: number; height: number; frame: number } | null = null;
  let hasAlpha = false;
  for (let at = 0; at < frames.length; at += AT_ONCE) {
    const some = frames.slice(at, at + AT_ONCE);
    for (const found of await Promise.all(some.map(headerOf))) {
      size ??= found;
      hasAlpha ||= found.hasAlpha;
      if (found.width === size.width && found.height === size.height) continue;
      throw new EngineFailure(
        'scene',
        `The pictures have different sizes: frame ${size.frame} is ${size.width}×${size.height}, ` +
          `frame ${found.frame} is ${found.width}×${found.height}.`,
      );
    }
  }
  return { hasAlpha, size: size && { width: size.width, height: size.height } };
}

async function headerOf({
  frame,
  path,
}: InputFrame): Promise<{ frame: number; width: number; height: number; hasAlpha: boolean }> {
  try {
    const { width, height, hasAlpha } = await sharp(path).metadata();
    return { frame, width, height, hasAlpha };
  } catch (error) {
    throw new EngineFailure('bad-output', `Frame ${frame} of the input is not a picture.`, { cause: error });
  }
}

function gapWarnings(frames: readonly InputFrame[]): string[] {
  const warnings: string[] = [];
  const [first, last] = [frames[0]?.frame ?? 0, frames.at(-1)?.frame ?? 0];
  const gaps = last - first + 1 - frames.length;
  if (gaps > 0)
    warnings.push(`Between the frames ${first} and ${last} some are not there; the video skips them.`);
  return warnings;
}
