import { extname } from 'node:path';
import sharp from 'sharp';
import { EngineFailure, type FrameRequest } from '../engine.ts';

export type InputFrame = FrameRequest['inputs'][string][number];

export interface InputSequence {
  /** In their order; a picture that stands for a missing frame has that frame's number. */
  frames: InputFrame[];
  /** Numbers of the frames that are missing, for which other pictures stand. */
  filled: ReadonlySet<number>;
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

/** More missing frames than these are not named by the farm: what is not named cannot be filled. */
const MOST_MISSING = 10_000;

/**
 * The pictures to encode: the input called `frames`, or the only one.
 * @param fill whether another picture stands for a frame that is missing
 * @throws EngineFailure `scene` when there are none, they differ in format or size, or some are missing and not filled
 */
export async function inputSequence(
  { inputs, missing }: Pick<FrameRequest, 'inputs' | 'missing'>,
  fill: boolean,
): Promise<InputSequence> {
  const names = Object.keys(inputs);
  const name = 'frames' in inputs || names.length !== 1 ? 'frames' : (names[0] ?? '');
  const frames = inputs[name];
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
  const lost = missing[name] ?? [];
  if (lost.length > 0 && (!fill || lost.length >= MOST_MISSING)) throw missingFrames(lost);
  return {
    frames: filledFrames(frames, lost),
    filled: new Set(lost),
    extension,
    ...measured,
    warnings: [...fillWarnings(lost), ...gapWarnings([...frames.map(({ frame }) => frame), ...lost])],
  };
}

function missingFrames(missing: readonly number[]): EngineFailure {
  return new EngineFailure(
    'scene',
    `${named(missing)} not done, so the video would be short of them. Render them, or say what is shown instead: ` +
      'the setting "gaps" is "hold" for the picture before, or "slate" for one that says what is missing.',
  );
}

function named(frames: readonly number[]): string {
  const text = frames.slice(0, 10).join(', ');
  if (frames.length === 1) return `Frame ${text} is`;
  return `The frames ${text}${frames.length > 10 ? ` and ${frames.length - 10} more` : ''} are`;
}

/** The picture before stands for a missing one; before the first, the first. */
function filledFrames(frames: readonly InputFrame[], missing: readonly number[]): InputFrame[] {
  const all = [...frames, ...missing.map((frame) => ({ frame, path: '' }))];
  let path = frames[0]?.path ?? '';
  return all
    .sort((a, b) => a.frame - b.frame)
    .map((frame) => ({ frame: frame.frame, path: (path = frame.path || path) }));
}

function fillWarnings(missing: readonly number[]): string[] {
  return missing.length === 0 ? [] : [`${named(missing)} not done; other pictures stand for them.`];
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

/** Frames that nobody asked for, such as those between 1, 11 and 21. */
function gapWarnings(frames: readonly number[]): string[] {
  const warnings: string[] = [];
  const first = frames.reduce((least, frame) => Math.min(least, frame), Infinity);
  const last = frames.reduce((most, frame) => Math.max(most, frame), -Infinity);
  const gaps = last - first + 1 - frames.length;
  if (gaps > 0)
    warnings.push(`Between the frames ${first} and ${last} some are not there; the video skips them.`);
  return warnings;
}
