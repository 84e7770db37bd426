import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import sharp from 'sharp';
import type { TaskMessage } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';
import { spawnEngine } from '../execution/engine-process.ts';
import { checkExrStructure } from './exr-structure.ts';

// libvips remembers what it decoded by file name, and a frame that is rendered again has the same one. One thread a
// picture: as many pictures as there are slots are decoded at once anyway.
sharp.cache(false);
sharp.concurrency(1);

/** A picture with more pixels than this is refused rather than decoded. */
const MAX_PIXELS = 1_000_000_000;
/** Larger pictures are decoded in strips, which takes longer and less memory. */
const WHOLE_DECODE_PIXELS = 64_000_000;
const VIDEO_SECONDS = 3_600;
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  exr: 'image/x-exr',
  mp4: 'video/mp4',
};
const SHARP_FORMATS = new Set(['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff']);

/** The file's ending without the dot, in lower case: what it claims to be. */
export const formatOf = (path: string): string => extname(path).slice(1).toLowerCase();

export const contentTypeOf = (path: string): string =>
  CONTENT_TYPES[formatOf(path)] ?? 'application/octet-stream';

/** Whether {@link makePreview} can make a small picture of it. */
export const isPicture = (path: string): boolean => SHARP_FORMATS.has(formatOf(path));

export interface VerifyOptions {
  output: TaskMessage['output'];
  /** FFmpeg of this machine, which decodes videos; without it a video cannot be checked and fails. */
  ffmpeg: string | undefined;
  /** A folder for scratch files, made when it is asked for. */
  workDir: () => Promise<string>;
  signal: AbortSignal;
}

/**
 * Decodes a whole result, so that nothing broken is ever taken for a frame.
 * PNG, JPEG, WebP and TIFF are decoded to pixels, EXR is held against its own structure (exr-structure.ts says how far),
 * videos are decoded by FFmpeg. Pictures must have the size that the job asked for.
 * @throws EngineFailure `bad-output`
 */
export async function verifyFrame(path: string, options: VerifyOptions): Promise<void> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw badOutput(path, 'was not written', error);
  });
  if (size === 0) throw badOutput(path, 'is empty');
  const format = formatOf(path);
  if (SHARP_FORMATS.has(format)) await verifyPicture(path, options.output);
  else if (format === 'exr') await verifyExr(path, options.output);
  else if (format === 'mp4') await verifyVideo(path, options);
  else throw badOutput(path, `has the ending ".${format}", for which this farm has no decoder`);
}

async function verifyPicture(path: string, output: TaskMessage['output']): Promise<void> {
  try {
    const options = { failOn: 'warning', limitInputPixels: MAX_PIXELS, sequentialRead: true } as const;
    const { width, height } = await sharp(path, options).metadata();
    assertSize(path, { width, height }, output);
    if (width * height <= WHOLE_DECODE_PIXELS) await sharp(path, options).raw().toBuffer();
    else await sharp(path, options).stats();
    if (formatOf(path) === 'png') await assertPngEnd(path);
  } catch (error) {
    if (error instanceof EngineFailure) throw error;
    throw badOutput(path, `does not decode (${messageOf(error)})`, error);
  }
}

/** Decoders are content once they have all pixels; the end mark tells that the file was written to its end. */
async function assertPngEnd(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(12), 0, 12, Math.max(0, size - 12));
    if (!buffer.equals(PNG_END)) throw badOutput(path, 'does not end as a PNG file does');
  } finally {
    await file.close();
  }
}

async function verifyExr(path: string, output: TaskMessage['output']): Promise<void> {
  let size: { width: number; height: number };
  try {
    size = await checkExrStructure(path);
  } catch (error) {
    throw badOutput(path, `is not a whole EXR file: ${messageOf(error)}`, error);
  }
  assertSize(path, size, output);
}

async function verifyVideo(path: string, options: VerifyOptions): Promise<void> {
  if (options.ffmpeg === undefined) throw badOutput(path, 'cannot be checked: this worker has no FFmpeg');
  const workDir = await options.workDir();
  const decode = spawnEngine({
    argv: [
      ...([options.ffmpeg, '-nostdin', '-v', 'error', '-xerror', '-protocol_whitelist', 'file'] as const),
      ...['-i', path, '-map', '0', '-f', 'null', '-'],
    ],
    cwd: workDir,
    workDir,
    memoryLimitBytes: 4_000_000_000,
    startTimeoutSeconds: VIDEO_SECONDS,
    log: () => undefined,
    signal: options.signal,
  });
  const exit = await decode.exited;
  options.signal.throwIfAborted();
  if (exit.failure) throw exit.failure;
  if (exit.code !== 0 || exit.lastLines.length > 0) {
    throw badOutput(
      path,
      `does not decode (${exit.lastLines[0] ?? `FFmpeg ended with ${exit.code ?? 'a signal'}`})`,
    );
  }
}

function assertSize(
  path: string,
  found: { width: number; height: number },
  wanted: TaskMessage['output'],
): void {
  const { width = found.width, height = found.height } = wanted;
  if (found.width === width && found.height === height) return;
  throw badOutput(path, `is ${found.width} × ${found.height} pixels instead of ${width} × ${height}`);
}

function badOutput(path: string, what: string, cause?: unknown): EngineFailure {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return new EngineFailure('bad-output', `The file ${name} ${what}.`, {
    sessionUsable: true,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A WebP of at most 256 pixels in width, for the page. */
export function makePreview(path: string): Promise<Buffer> {
  return sharp(path, { limitInputPixels: MAX_PIXELS })
    .resize({ width: 256, withoutEnlargement: true })
    .webp({ quality: 75, effort: 2 })
    .toBuffer();
}
