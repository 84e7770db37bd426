const FASTEST = 8;

/** Pictures a second that can be chosen; the video's own are the default. */
export const PLAY_FPS = [12, 24, 25, 30, 60] as const;
/** Browsers refuse to play faster. */
const FASTEST_PLAYBACK = 16;

/** How fast a video made for `videoFps` plays at `rate` times `playFps` pictures a second. */
export function playbackRate(rate: number, playFps: number, videoFps: number): number {
  return Math.min(rate * (playFps / videoFps), FASTEST_PLAYBACK);
}

/** The speed after a key of an editing desk: `l` forwards and then faster, `j` the same backwards, `k` stands. */
export function nextRate(rate: number, key: 'j' | 'k' | 'l'): number {
  if (key === 'k') return 0;
  const direction = key === 'l' ? 1 : -1;
  if (rate * direction <= 0) return direction;
  return direction * Math.min(Math.abs(rate) * 2, FASTEST);
}
