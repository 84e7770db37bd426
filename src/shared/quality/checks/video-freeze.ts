import { longestOf, shareOf, stretchesText } from '../../domain/stretches.ts';
import { figure, percent, type VideoCheck } from './check.ts';

/** Looks how much of the time nothing moves. The threshold is a share of the duration: a still at the end is normal. */
export const videoFreezeCheck: VideoCheck = {
  name: 'video-freeze',
  verdict: 'warn',
  threshold: 0.95,
  look: ({ frozen, seconds }, threshold) => {
    const share = shareOf(frozen, seconds);
    if (share === 0 || share < (threshold ?? 1)) return null;
    return {
      message: `Nothing moves for ${percent(share)} of the time: ${stretchesText(frozen)}.`,
      value: share,
    };
  },
};

/** Looks for the longest stretch. The threshold is in seconds. */
export const videoFreezeStretchCheck: VideoCheck = {
  name: 'video-freeze-stretch',
  verdict: 'warn',
  threshold: null,
  look: ({ frozen }, threshold) => {
    const longest = longestOf(frozen);
    const seconds = longest === undefined ? 0 : Number((longest.end - longest.start).toFixed(3));
    if (longest === undefined || threshold === null || seconds <= threshold) return null;
    const { start, end } = longest;
    return {
      message: `Nothing moves for ${figure(seconds)} s on end, from ${figure(start)} s to ${figure(end)} s.`,
      value: seconds,
    };
  },
};
