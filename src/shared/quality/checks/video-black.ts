import { percent, type VideoCheck } from './check.ts';

/** Looks how much of the time the picture is black. The threshold is a share of the duration: fades to black are normal. */
export const videoBlackCheck: VideoCheck = {
  name: 'video-black',
  verdict: 'fail',
  threshold: 0.95,
  look: ({ blackShare }, threshold) => {
    if (blackShare < (threshold ?? 1)) return null;
    return { message: `It is black for ${percent(blackShare)} of the time.`, value: blackShare };
  },
};
