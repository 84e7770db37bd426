import { percent, type VideoCheck } from './check.ts';

/** Looks how much of the time nothing moves. The threshold is a share of the duration: a still at the end is normal. */
export const videoFreezeCheck: VideoCheck = {
  name: 'video-freeze',
  verdict: 'warn',
  threshold: 0.95,
  look: ({ frozenShare }, threshold) => {
    if (frozenShare < (threshold ?? 1)) return null;
    return { message: `Nothing moves for ${percent(frozenShare)} of the time.`, value: frozenShare };
  },
};
