import { percent, type VideoCheck } from './check.ts';

/** Looks how much of the sound is silence, where there is sound. The threshold is a share of the duration. */
export const audioSilenceCheck: VideoCheck = {
  name: 'audio-silence',
  verdict: 'warn',
  threshold: 0.95,
  look: ({ silentShare }, threshold) => {
    if (silentShare === null || silentShare < (threshold ?? 1)) return null;
    return { message: `Its sound is silent for ${percent(silentShare)} of the time.`, value: silentShare };
  },
};
