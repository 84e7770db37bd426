import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LottieFont } from '../../../shared/scenes/lottie-animation.ts';

const FALLBACKS = join(import.meta.dirname, 'fonts');
const BOLD = /bold|black|heavy/i;

export interface FoundFont {
  bytes: Buffer;
  /** Set when the font itself is not there and another one stands in for it. */
  substitute: string | null;
}

/**
 * Finds an animation's font beside it: by `fPath`, as `data:` address or file, or as `<name>.ttf` or `.otf` in the
 * animation's folder or in `fonts/` there. What is not found is replaced by Inter, which comes with the product.
 * @param moved its file on shared storage
 */
export function findFont(font: LottieFont, scenePath: string, moved: string | undefined): FoundFont {
  if (moved !== undefined) return { bytes: readFileSync(moved), substitute: null };
  const embedded = font.path?.startsWith('data:') === true ? decodeDataUrl(font.path) : null;
  if (embedded) return { bytes: embedded, substitute: null };
  const folder = dirname(scenePath);
  for (const candidate of fontPaths(font)) {
    const path = join(folder, candidate);
    if (existsSync(path)) return { bytes: readFileSync(path), substitute: null };
  }
  const name = BOLD.test(`${font.style} ${font.name}`) ? 'Inter-Bold' : 'Inter-Regular';
  return { bytes: readFileSync(join(FALLBACKS, `${name}.ttf`)), substitute: name };
}

/** Where a font may lie, relative to the animation. Names from the file never lead out of its folder. */
function fontPaths(font: LottieFont): string[] {
  const names = [font.name, `${font.family}-${font.style}`, `${font.family} ${font.style}`, font.family]
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== '-' && !/[/\\\u0000]/.test(name) && !name.startsWith('.'));
  const paths = names.flatMap((name) => [`${name}.ttf`, `${name}.otf`]);
  const own = font.path !== null && !font.path.startsWith('data:') ? [font.path] : [];
  return [...own, ...paths, ...paths.map((path) => `fonts/${path}`)];
}

/** @returns null when it is not a `data:` address in base64. */
export function decodeDataUrl(url: string): Buffer | null {
  const comma = url.indexOf(',');
  if (comma < 0 || !url.slice(0, comma).endsWith(';base64')) return null;
  return Buffer.from(url.slice(comma + 1), 'base64');
}
