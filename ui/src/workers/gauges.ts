import { HISTORY_SAMPLES, HISTORY_STEP_SECONDS } from '../../../src/shared/contracts/worker-api.ts';

const LETTER_A = 65;
const LEVELS = 25;

/** A gauge's letters as shares from 0 to 1; null where nothing was heard. */
export function readGauge(letters: string): (number | null)[] {
  return Array.from(letters, (letter) =>
    letter === '.' ? null : (letter.charCodeAt(0) - LETTER_A) / LEVELS,
  );
}

/** One more letter at the end, and the oldest away. */
export function addToGauge(letters: string, share: number | null): string {
  const letter =
    share === null
      ? '.'
      : String.fromCharCode(LETTER_A + Math.round(Math.min(1, Math.max(0, share)) * LEVELS));
  return (letters + letter).slice(-HISTORY_SAMPLES);
}

/** Letters that nobody heard: as many samples as a pause took beyond the usual step. */
export function gapAfter(pauseMs: number): string {
  const steps = Math.round(pauseMs / (HISTORY_STEP_SECONDS * 1_000));
  return '.'.repeat(Math.min(HISTORY_SAMPLES, Math.max(0, steps - 1)));
}

/**
 * Lines through the samples, the newest at the right end, broken where nothing was heard.
 * @returns the `points` of an SVG `polyline` for each piece.
 */
export function gaugeLines(letters: string, size: { width: number; height: number }): string[] {
  const samples = readGauge(letters);
  const pitch = size.width / (HISTORY_SAMPLES - 1);
  const lines: string[] = [];
  let line: string[] = [];
  for (const [index, share] of [...samples, null].entries()) {
    if (share !== null) {
      const x = size.width - (samples.length - 1 - index) * pitch;
      line.push(`${x.toFixed(1)},${(size.height * (1 - share)).toFixed(1)}`);
    } else if (line.length > 0) {
      // A single sample has no length: it is drawn as a short stroke.
      if (line.length === 1)
        line.push(`${(Number.parseFloat(line[0] ?? '0') + 1).toFixed(1)},${line[0]?.split(',')[1] ?? '0'}`);
      lines.push(line.join(' '));
      line = [];
    }
  }
  return lines;
}
