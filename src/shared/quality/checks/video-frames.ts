import type { VideoCheck } from './check.ts';

/** Counts the frames that decode, against what the file says of itself. The threshold is how many may be missing or too many. */
export const videoFramesCheck: VideoCheck = {
  name: 'video-frames',
  verdict: 'fail',
  threshold: 0,
  look: ({ frames, claimedFrames }, threshold) => {
    if (frames === 0) return { message: 'It has no frame.', value: 0 };
    const missing = claimedFrames === null ? 0 : Math.abs(claimedFrames - frames);
    if (missing <= (threshold ?? 0)) return null;
    return {
      message: `${frames} frames decode; the file says it has ${claimedFrames ?? 0}.`,
      value: missing,
    };
  },
};
