import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';
import { MAX_PIXELS } from '../../shared/quality/decode/pixel-limit.ts';
import { pictureOfVideo } from '../previews/preview-files.ts';
import type { PreviewHelper } from '../previews/preview-helper.ts';

const WIDTH = 256;

export interface PreviewTools {
  helper: PreviewHelper;
  /** FFmpeg of this machine; without it videos have none. */
  ffmpeg: string | undefined;
  /** For scratch, as long as it is made. */
  folder: string;
  signal: AbortSignal;
}

/** Whether {@link makePreview} can make a small picture of it. */
export const canBePreviewed = (path: string, ffmpeg: string | undefined): boolean => {
  const decoder = decoderOf(formatOf(path));
  return decoder === 'ffmpeg' ? ffmpeg !== undefined : decoder !== null;
};

/** A WebP of at most 256 pixels in width, for the page: linear light made fit for a screen, of a video what it shows after a second. */
export async function makePreview(path: string, tools: PreviewTools): Promise<Buffer> {
  const decoder = decoderOf(formatOf(path));
  if (decoder === 'sharp')
    return sharp(path, { limitInputPixels: MAX_PIXELS, sequentialRead: true })
      .resize({ width: WIDTH, withoutEnlargement: true })
      .webp({ quality: 75, effort: 2 })
      .toBuffer();
  const { helper, ffmpeg, folder, signal } = tools;
  const to = join(folder, 'preview.webp');
  const from =
    decoder === 'ffmpeg' && ffmpeg !== undefined ? await pictureOfVideo(path, folder, ffmpeg, signal) : path;
  try {
    await helper.ask({ do: 'shrink', from, to, width: WIDTH, height: WIDTH, fit: 'inside' }, signal);
    return await readFile(to);
  } finally {
    await rm(to, { force: true });
  }
}
