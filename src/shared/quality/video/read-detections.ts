/** Seconds of each, all together. */
export interface Detected {
  black: number;
  frozen: number;
  silent: number;
}

/**
 * Reads what FFmpeg's `blackdetect`, `freezedetect` and `silencedetect` print. A stretch that goes on to the end has a begin
 * only.
 */
export function readDetections(lines: readonly string[], seconds: number): Detected {
  return {
    black: sum(lines, /black_duration:\s*([\d.]+)/),
    frozen: total(lines, 'freeze', seconds),
    silent: total(lines, 'silence', seconds),
  };
}

function sum(lines: readonly string[], pattern: RegExp): number {
  return lines.reduce((all, line) => all + Number(pattern.exec(line)?.[1] ?? 0), 0);
}

function total(lines: readonly string[], name: string, seconds: number): number {
  let begun: number | null = null;
  let all = 0;
  for (const line of lines) {
    const start = new RegExp(`${name}_start:\\s*(-?[\\d.]+)`).exec(line)?.[1];
    const duration = new RegExp(`${name}_duration:\\s*([\\d.]+)`).exec(line)?.[1];
    if (start !== undefined) begun = Math.max(0, Number(start));
    if (duration === undefined) continue;
    all += Number(duration);
    begun = null;
  }
  return begun === null ? all : all + Math.max(0, seconds - begun);
}
