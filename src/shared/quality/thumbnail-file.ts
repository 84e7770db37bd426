import { THUMBNAIL } from '../contracts/quality.ts';

const { width, height } = THUMBNAIL;

/** The small picture as it is sent: WebP in base64, equal for equal pictures. */
export async function encodeThumbnail(pixels: Uint8Array): Promise<string> {
  const { default: sharp } = await import('sharp');
  const webp = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .webp({ quality: 80, effort: 0 })
    .toBuffer();
  return webp.toString('base64');
}

/** The 64 × 36 pixels of red, green and blue again, for the checks of a sequence. @throws Error for anything else */
export async function decodeThumbnail(base64: string): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(Buffer.from(base64, 'base64'), { limitInputPixels: width * height })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height || info.channels !== 3)
    throw new Error(`A thumbnail is ${info.width} × ${info.height} pixels of ${info.channels} channels`);
  return data;
}
