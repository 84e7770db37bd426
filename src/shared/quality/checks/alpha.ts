import type { PictureCheck } from './check.ts';

/** Looks for an alpha channel, where a policy says that there must be one (1) or none (0). */
export const alphaCheck: PictureCheck = {
  name: 'alpha',
  verdict: 'fail',
  threshold: null,
  look: ({ shape }, threshold) => {
    if (threshold === null || shape.alpha === threshold > 0) return null;
    const message = shape.alpha
      ? 'It has an alpha channel, and none was asked for.'
      : 'It has no alpha channel.';
    return { message, value: shape.alpha ? 1 : 0 };
  },
};
