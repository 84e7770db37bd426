import { figure, type VideoCheck } from './check.ts';

/** Looks at the frames a second, against what the job asked for. The threshold is by how many they may differ. */
export const videoRateCheck: VideoCheck = {
  name: 'video-rate',
  verdict: 'fail',
  threshold: 0.02,
  look: ({ fps }, threshold, expected) => {
    if (expected.fps === undefined || fps === null) return null;
    const difference = Math.abs(fps - expected.fps);
    if (difference <= (threshold ?? 0)) return null;
    const message = `It has ${figure(fps)} frames a second instead of ${figure(expected.fps)}.`;
    return { message, value: Number(difference.toPrecision(4)) };
  },
};
