import { figure, type PictureCheck } from './check.ts';

/** Looks for single pixels far brighter than a smooth surrounding. The threshold is how many of a million may be so. */
export const firefliesCheck: PictureCheck = {
  name: 'fireflies',
  verdict: 'warn',
  threshold: 50,
  look: ({ measures, fireflies }, threshold) => {
    if (fireflies === null) return null;
    const share = (fireflies / (measures.width * measures.height)) * 1e6;
    if (share <= (threshold ?? 0)) return null;
    return {
      message: `${fireflies} pixels stand out alone as fireflies do: ${figure(share)} of a million.`,
      value: Number(share.toPrecision(4)),
    };
  },
};
