import { THUMBNAIL, type Measures } from '../../shared/contracts/quality.ts';

/**
 * Pictures that differ by less are taken for equal: other processors round otherwise, and noise moves. Of the range of
 * values, where the pictures differ most.
 */
export const TOLERANCE = 0.02;
/** Pixels of the small picture that are averaged, so that noise is not mistaken for a difference. */
const TILE = { width: 8, height: 6 };
const CHANNELS = 3;

export interface Picture {
  measures: Measures | null;
  thumbnail: Uint8Array | null;
}

/**
 * How much two pictures of one frame differ: the mean difference of the tile that differs most, in parts of the range, 0–1.
 * Other dimensions are the greatest difference. Without small pictures of both their means are compared.
 */
export async function pictureDifference(a: Picture, b: Picture): Promise<number> {
  if (!a.measures || !b.measures) return 0;
  if (a.measures.width !== b.measures.width || a.measures.height !== b.measures.height) return 1;
  if (!a.thumbnail || !b.thumbnail) return meanDifference(a.measures, b.measures);
  const [left, right] = await Promise.all([decode(a.thumbnail), decode(b.thumbnail)]);
  if (!left || !right) return meanDifference(a.measures, b.measures);
  return tileDifference(left, right);
}

const RANGES: Partial<Record<Measures['depth'], number>> = {
  uint8: 255,
  uint16: 65_535,
  uint32: 4_294_967_295,
};

function meanDifference(a: Measures, b: Measures): number {
  const range = RANGES[a.depth] ?? 1;
  const differences = a.mean.map((mean, channel) => Math.abs((mean ?? 0) - (b.mean[channel] ?? 0)) / range);
  return Math.min(1, Math.max(0, ...differences));
}

/** @returns undefined when it is no picture: a worker's word is not trusted to be one. */
async function decode(thumbnail: Uint8Array): Promise<Uint8Array | undefined> {
  const { default: sharp } = await import('sharp');
  try {
    const limitInputPixels = THUMBNAIL.width * THUMBNAIL.height;
    const pixels = await sharp(thumbnail, { limitInputPixels })
      .flatten()
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    return pixels.length === limitInputPixels * CHANNELS ? pixels : undefined;
  } catch {
    return undefined; // the means are compared instead
  }
}

function tileDifference(a: Uint8Array, b: Uint8Array): number {
  let most = 0;
  for (let top = 0; top < THUMBNAIL.height; top += TILE.height)
    for (let left = 0; left < THUMBNAIL.width; left += TILE.width)
      most = Math.max(most, differenceAt(a, b, left, top));
  return most / 255;
}

/** Mean difference of the colour values of one tile. */
function differenceAt(a: Uint8Array, b: Uint8Array, left: number, top: number): number {
  let sum = 0;
  for (let y = top; y < top + TILE.height; y++) {
    const row = (y * THUMBNAIL.width + left) * CHANNELS;
    for (let i = row; i < row + TILE.width * CHANNELS; i++) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
  }
  return sum / (TILE.width * TILE.height * CHANNELS);
}
