import type { Measures } from '../../contracts/quality.ts';
import type { PictureCheck } from './check.ts';

const BITS: Readonly<Record<Measures['depth'], number>> = {
  uint8: 8,
  half: 16,
  uint16: 16,
  mixed: 16,
  float: 32,
  uint32: 32,
};

/** Looks at how exact the pixels are, where a policy says how many bits a channel must have. In bits. */
export const depthCheck: PictureCheck = {
  name: 'depth',
  verdict: 'fail',
  threshold: null,
  look: ({ measures }, threshold) => {
    const bits = BITS[measures.depth];
    if (threshold === null || bits >= threshold) return null;
    return {
      message: `It has ${bits} bits a channel (${measures.depth}) instead of ${threshold}.`,
      value: bits,
    };
  },
};
