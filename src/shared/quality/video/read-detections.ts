import type { Stretch } from '../../domain/stretches.ts';

export interface Detected {
  black: Stretch[];
  frozen: Stretch[];
  silent: Stretch[];
}

/**
 * Reads what FFmpeg's `blackdetect`, `freezedetect` and `silencedetect` print. A stretch that goes on to the end has a begin
 * only.
 * @param seconds the duration
 */
export function readDetections(lines: readonly string[], seconds: number): Detected {
  return {
    black: stretchesOf(lines, 'black', seconds),
    frozen: stretchesOf(lines, 'freeze', seconds),
    silent: stretchesOf(lines, 'silence', seconds),
  };
}

function stretchesOf(lines: readonly string[], name: string, seconds: number): Stretch[] {
  const [starts, ends] = [timeOf(`${name}_start`), timeOf(`${name}_end`)];
  const stretches: Stretch[] = [];
  let begun: number | null = null;
  for (const line of lines) {
    begun = starts(line) ?? begun;
    const end = ends(line);
    if (end === null || begun === null) continue;
    stretches.push({ start: Math.max(0, begun), end });
    begun = null;
  }
  if (begun !== null && begun < seconds) stretches.push({ start: Math.max(0, begun), end: seconds });
  return stretches;
}

function timeOf(name: string): (line: string) => number | null {
  const pattern = new RegExp(`\\b${name}:\\s*(-?[\\d.]+)`);
  return (line) => {
    const text = pattern.exec(line)?.[1];
    return text === undefined ? null : Number(text);
  };
}
