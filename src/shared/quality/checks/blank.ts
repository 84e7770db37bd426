import type { MeasuredPicture } from '../measure/measurer.ts';
import { figure, type PictureCheck } from './check.ts';

/**
 * Looks whether all of it is of one colour, alpha included. The threshold is the most by which the pixels of a blank picture
 * differ, as a share of the range: 0 is one colour exactly.
 */
export const blankCheck: PictureCheck = {
  name: 'blank',
  verdict: 'fail',
  threshold: 0,
  look: (picture, threshold) => {
    const spread = spreadOf(picture);
    if (spread === null || spread > (threshold ?? 0)) return null;
    return { message: `It is blank: all of it is ${colourOf(picture)}.`, value: spread };
  },
};

/** @returns null when a channel has no number at all, of which another check speaks */
function spreadOf({ shape, measures }: MeasuredPicture): number | null {
  const spreads = measures.min.map((min, channel) => {
    const max = measures.max[channel];
    return min === null || max === undefined || max === null ? null : (max - min) / (shape.white ?? 1);
  });
  if (spreads.length === 0 || spreads.includes(null)) return null;
  return Math.max(...spreads.map((spread) => spread ?? 0));
}

function colourOf({ shape, measures }: MeasuredPicture): string {
  if (shape.alpha && measures.max.at(-1) === 0) return 'transparent';
  const colours = (shape.alpha ? measures.max.slice(0, -1) : measures.max).map((value) => value ?? 0);
  if (colours.every((value) => value === 0)) return 'black';
  if (shape.white !== null && colours.every((value) => value === shape.white)) return 'white';
  return `one colour (${colours.map(figure).join(', ')})`;
}
