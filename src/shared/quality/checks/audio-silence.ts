import { shareOf, stretchesText } from '../../domain/stretches.ts';
import { percent, type VideoCheck } from './check.ts';

/** Looks how much of the sound is silence, where there is sound. The threshold is a share of the duration. */
export const audioSilenceCheck: VideoCheck = {
  name: 'audio-silence',
  verdict: 'warn',
  threshold: 0.95,
  look: ({ silent, seconds }, threshold) => {
    const share = shareOf(silent ?? [], seconds);
    if (silent === null || share === 0 || share < (threshold ?? 1)) return null;
    return {
      message: `Its sound is silent for ${percent(share)} of the time: ${stretchesText(silent)}.`,
      value: share,
    };
  },
};
