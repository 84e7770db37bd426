import sharp, { type Sharp } from 'sharp';
import { withFileBytes } from '../../shared/quality/decode/file-bytes.ts';
import { decodeRadiance } from '../../shared/quality/decode/radiance.ts';
import { decodeExr } from '../../shared/quality/exr/decode-exr.ts';
import { decoderOf, formatOf } from '../../shared/quality/file-formats.ts';
import type { DisplayView } from '../colour/display-view.ts';
import type { HelperRequest, Size } from './helper-requests.ts';
import { LightSink } from './light-sink.ts';

/** How linear light is shown in previews, where nobody can say it. */
const PREVIEW_VIEW: DisplayView = { view: 'filmic', exposure: 0 };
const MAX_PIXELS = 1_000_000_000;
const BLACK = { r: 0, g: 0, b: 0, alpha: 1 };

type Shrink = Extract<HelperRequest, { do: 'shrink' }>;

/**
 * Writes a small WebP or JPEG of a picture, by the ending of `to`; linear light is made fit for a screen. WebP keeps transparency.
 * @returns its size
 * @throws Error for what does not decode, or is no picture
 */
export async function shrinkPicture({ from, to, width, height, fit }: Shrink): Promise<Size> {
  const picture = openPicture(from, { width, height });
  const keepsAlpha = formatOf(to) === 'webp';
  const background = keepsAlpha ? { ...BLACK, alpha: 0 } : BLACK;
  const sized = (keepsAlpha ? picture : picture.flatten({ background: BLACK })).resize({
    ...{ width, height, fit, background },
    withoutEnlargement: fit === 'inside',
  });
  const written = keepsAlpha
    ? sized.webp({ quality: 75, effort: 2 })
    : sized.jpeg({ quality: 90, chromaSubsampling: '4:4:4' });
  const info = await written.toFile(to);
  return { width: info.width, height: info.height };
}

function openPicture(path: string, most: Size): Sharp {
  const decoder = decoderOf(formatOf(path));
  if (decoder === 'sharp') return sharp(path, { limitInputPixels: MAX_PIXELS, sequentialRead: true });
  if (decoder !== 'exr' && decoder !== 'radiance') throw new Error(`${path} is no picture`);
  const sink = new LightSink(most.width, most.height);
  withFileBytes(path, (bytes) => {
    if (decoder === 'exr') decodeExr(bytes, sink);
    else decodeRadiance(bytes, sink);
  });
  const { width, height } = sink;
  return sharp(sink.pixels(PREVIEW_VIEW), { raw: { width, height, channels: 3 } });
}
