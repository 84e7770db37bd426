import { longestOf, shareOf, stretchesText } from '../../domain/stretches.ts';
import { figure, percent, type VideoCheck } from './check.ts';

/** Looks how much of the time the picture is black. The threshold is a share of the duration: fades to black are normal. */
export const videoBlackCheck: VideoCheck = {
  name: 'video-black',
  verdict: 'fail',
  threshold: 0.95,
  look: ({ black, seconds }, threshold) => {
    const share = shareOf(black, seconds);
    if (share === 0 || share < (threshold ?? 1)) return null;
    return {
      message: `It is black for ${percent(share)} of the time: ${stretchesText(black)}.`,
      value: share,
    };
  },
};

/** Looks for the longest stretch. The threshold is in seconds. */
export const videoBlackStretchCheck: VideoCheck = {
  name: 'video-black-stretch',
  verdict: 'warn',
  threshold: 5,
  look: ({ black }, threshold) => {
    const longest = longestOf(black);
    const seconds = longest === undefined ? 0 : Number((longest.end - longest.start).toFixed(3));
    if (longest === undefined || threshold === null || seconds <= threshold) return null;
    const { start, end } = longest;
    return {
      message: `It is black for ${figure(seconds)} s on end, from ${figure(start)} s to ${figure(end)} s.`,
      value: seconds,
    };
  },
};
