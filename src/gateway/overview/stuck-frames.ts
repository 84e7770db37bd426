/** A frame under way, and what is known of its like. */
export interface FrameUnderWay {
  seconds: number;
  /** What frames near it took; null: too few are done. */
  medianSeconds: number | null;
  /** Since its engine printed anything; null: not known. */
  silentSeconds: number | null;
}

/** Nothing is called stuck sooner. */
export const MIN_SECONDS = 30;
/** So many times what its neighbours took … */
const FAR_ABOVE = 5;
/** … or half of that, when its engine has said nothing for longer than a whole neighbour took. */
const ABOVE_AND_SILENT = 2.5;
/** Without neighbours to compare with: silence alone. */
const SILENT_SECONDS = 900;

/** What is odd about a frame under way, in one sentence; undefined: nothing is. */
export function whyStuck({ seconds, medianSeconds, silentSeconds }: FrameUnderWay): string | undefined {
  if (seconds < MIN_SECONDS) return undefined;
  const silent = silentSeconds ?? 0;
  if (medianSeconds === null)
    return silent >= SILENT_SECONDS ? `Its engine has printed nothing for ${words(silent)}.` : undefined;
  const times = seconds / Math.max(medianSeconds, 0.1);
  const quiet = silent >= MIN_SECONDS && silent >= medianSeconds;
  if (times < (quiet ? ABOVE_AND_SILENT : FAR_ABOVE)) return undefined;
  const said = quiet ? `, and its engine has printed nothing for ${words(silent)}` : '';
  return `Frames near it took ${words(medianSeconds)}; it has been rendered for ${words(seconds)}${said}.`;
}

function words(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} minutes`;
  return `${Math.round(seconds / 3_600)} hours`;
}
