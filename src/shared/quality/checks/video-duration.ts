import { figure, type VideoCheck } from './check.ts';

/** Looks whether the file lasts as long as its frames do at their rate. The threshold is in seconds. */
export const videoDurationCheck: VideoCheck = {
  name: 'video-duration',
  verdict: 'warn',
  threshold: 0.5,
  look: ({ seconds, frames, fps }, threshold) => {
    if (seconds === null || fps === null || frames === 0) return null;
    const pictures = frames / fps;
    const difference = Math.abs(seconds - pictures);
    if (difference <= (threshold ?? 0)) return null;
    return {
      message: `It lasts ${figure(seconds)} s, its ${frames} frames ${figure(pictures)} s.`,
      value: Number(difference.toPrecision(4)),
    };
  },
};
