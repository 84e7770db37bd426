import { FarmError } from '../../../src/shared/domain/errors.ts';
import {
  parseFrameRange,
  parseFrameSelection,
  type FrameRun,
} from '../../../src/shared/domain/frame-ranges.ts';
import { plural } from '../common/units.ts';

export interface FramesLook {
  /** Undefined while the range cannot be understood, or nobody says one. */
  count: number | undefined;
  /** `12 frames`. */
  text: string;
  error: string | undefined;
}

/** Ranges that overlap are counted frame by frame, up to so many. */
const MOST_COUNTED = 200_000;
/** Any frame of such scenes can be rendered. */
const ENDLESS = new Set(['blender', 'povray', 'html']);

/**
 * What somebody typed as frames, in words.
 * @param own the scene's or template's own range, which is taken where nothing is typed
 */
export function lookAtFrames(typed: string, own: string | undefined, engine: string): FramesLook {
  if (typed.trim() === '' && own === undefined)
    return { count: undefined, text: 'Such as 1-100, 7, 1-100x5 or 1-10:5.', error: undefined };
  try {
    const { count, exact, runs } = countOf(typed.trim() === '' ? (own ?? '') : typed);
    const outside =
      typed.trim() === '' || own === undefined || ENDLESS.has(engine) ? undefined : outsideOf(runs, own);
    const text = `${exact ? '' : 'Up to '}${plural(count, 'frame')}${typed.trim() === '' ? ', the scene’s own range' : ''}.`;
    return { count, text, error: outside };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { count: undefined, text: '', error: error.message };
  }
}

function countOf(text: string): { count: number; exact: boolean; runs: readonly FrameRun[] } {
  const simple = !text.includes(',');
  const runs = simple ? parseFrameRange(text).runs : parseFrameSelection(text, 5_000);
  const most = runs.reduce((sum, run) => sum + run.count, 0);
  if (simple) return { count: most, exact: true, runs };
  return most > MOST_COUNTED
    ? { count: most, exact: false, runs }
    : { ...parseFrameRange(text), exact: true };
}

function outsideOf(runs: readonly FrameRun[], own: string): string | undefined {
  const has = extent(parseFrameRange(own).runs);
  const asked = extent(runs);
  const frame = [asked.first, asked.last].find((one) => one < has.first || one > has.last);
  return frame === undefined ? undefined : `The scene has frames ${own}, and no frame ${frame}.`;
}

/** The lowest and the highest frame. */
export function extent(runs: readonly FrameRun[]): { first: number; last: number } {
  const ends = runs.flatMap(({ start, step, count }) => [start, start + (count - 1) * step]);
  return {
    first: ends.reduce((low, n) => Math.min(low, n), Infinity),
    last: ends.reduce((high, n) => Math.max(high, n), -Infinity),
  };
}
