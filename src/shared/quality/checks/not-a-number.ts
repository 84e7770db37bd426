import type { PictureCheck } from './check.ts';

/**
 * Looks for samples that are no number or infinite, in all channels; distances (Z, depth) may be infinite. The threshold is
 * how many there may be.
 */
export const notANumberCheck: PictureCheck = {
  name: 'not-a-number',
  verdict: 'fail',
  threshold: 0,
  look: ({ measures }, threshold) => {
    const { notANumber, infinite } = measures;
    if (notANumber + infinite <= (threshold ?? 0)) return null;
    return {
      message: `${notANumber} of its samples are not a number (NaN), ${infinite} are infinite.`,
      value: notANumber + infinite,
    };
  },
};
