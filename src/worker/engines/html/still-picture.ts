import sharp from 'sharp';

/**
 * Pictures that move by themselves (GIF, WebP, APNG) go by the machine's clock, which a page cannot stop: they are given
 * as their first one.
 * @returns null for a picture that stands still anyway
 */
export async function stillPicture(body: Buffer): Promise<Buffer | null> {
  if (!moves(body)) return null;
  // libvips reads the first picture unless told otherwise.
  return sharp(body).png().toBuffer();
}

function moves(body: Buffer): boolean {
  const start = body.toString('latin1', 0, 16);
  if (start.startsWith('GIF8')) return body.includes('NETSCAPE2.0') || body.includes('ANIMEXTS1.0');
  if (start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP') return body.subarray(0, 64).includes('ANIM');
  return start.slice(1, 4) === 'PNG' && body.subarray(0, 4_096).includes('acTL');
}

/** A file of SVG that is shown as a picture: what moves in it cannot be stopped either. */
export function movesBySvg(text: string): boolean {
  return /<(?:animate|animateTransform|animateMotion|set)\b|@keyframes\b/.test(text);
}
