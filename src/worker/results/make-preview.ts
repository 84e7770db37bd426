import sharp from 'sharp';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';
import { MAX_PIXELS } from '../../shared/quality/decode/pixel-limit.ts';

/** Whether {@link makePreview} can make a small picture of it. */
export const isPicture = (path: string): boolean => decoderOf(formatOf(path)) === 'sharp';

/** A WebP of at most 256 pixels in width, for the page. */
export function makePreview(path: string): Promise<Buffer> {
  return sharp(path, { limitInputPixels: MAX_PIXELS })
    .resize({ width: 256, withoutEnlargement: true })
    .webp({ quality: 75, effort: 2 })
    .toBuffer();
}
