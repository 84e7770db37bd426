import type { PreviewKind } from '../contracts/messages/preview-messages.ts';
import type { FrameRun } from './frame-ranges.ts';

/** More frames than these are thinned out evenly. */
const MOST_PREVIEW_FRAMES: Readonly<Record<PreviewKind, number>> = {
  'contact-sheet': 100,
  proxy: 5_000,
};
const DEFAULT_FPS = 24;
const SHOWN_FORMATS: ReadonlySet<string> = new Set([
  'png',
  'jpg',
  'jpeg',
  'webp',
  'tif',
  'tiff',
  'exr',
  'hdr',
]);

/** Whether a step's results are pictures; videos, and what the null engine makes, have no contact sheet. */
export const hasPictures = (format: string): boolean => SHOWN_FORMATS.has(format);

/** Of a step of so many frames every n-th is taken. */
export function everyNth(kind: PreviewKind, frameTotal: number): number {
  return Math.max(1, Math.ceil(frameTotal / MOST_PREVIEW_FRAMES[kind]));
}

/** Pictures a second of a proxy. @param fps the step's own; without one, that of films */
export function previewFps(fps: number | undefined, nth: number): number {
  return (fps ?? DEFAULT_FPS) / nth;
}

/** The numbers of the frames that a preview shows, ascending. */
export function previewNumbers(runs: readonly FrameRun[], kind: PreviewKind): number[] {
  const nth = everyNth(
    kind,
    runs.reduce((sum, { count }) => sum + count, 0),
  );
  const numbers: number[] = [];
  let position = 0;
  for (const { start, step, count } of runs) {
    const first = (nth - (position % nth)) % nth;
    for (let i = first; i < count; i += nth) numbers.push(start + step * i);
    position += count;
  }
  return numbers.sort((a, b) => a - b);
}
