/** How explanations say figures, so that all of them read alike. */

/** `1 frame`, `1,200 frames`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and c`; of many the first few, `and 7 more`. */
export function listed(texts: readonly string[], most = 5): string {
  const shown = texts.length > most ? [...texts.slice(0, most - 1)] : [...texts];
  const rest = texts.length - shown.length;
  if (rest > 0) shown.push(`${rest.toLocaleString('en')} more`);
  if (shown.length < 2) return shown[0] ?? '';
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`;
}

/** `is` or `are`, for `count(n, …)` before it. */
export const isAre = (n: number): string => (n === 1 ? 'is' : 'are');

/** A span of seconds for people: `40 s`, `5 min`, `3 h`, `2 days`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export interface SecondsRange {
  min: number;
  max: number;
}

/** `in 4–6 min`, `in about 5 min`, `at any moment`. */
export function expected({ min, max }: SecondsRange): string {
  if (max < 2) return 'at any moment';
  const [from, to] = [span(min), span(max)];
  if (from === to) return `in about ${to}`;
  const unit = to.slice(to.indexOf(' '));
  return `in ${from.endsWith(unit) ? from.slice(0, -unit.length) : from}–${to}`;
}

/** A moment by the clock of the one who reads it is not known here: UTC, with how far away it is. */
export function moment(atMs: number, nowMs: number): string {
  const text = new Date(atMs).toISOString().replace('T', ' ').slice(0, 16);
  return `${text} UTC (${atMs > nowMs ? `in ${span((atMs - nowMs) / 1_000)}` : `${span((nowMs - atMs) / 1_000)} ago`})`;
}

/** `blender ≥ 5`, from `>=5`; further comparators stay as they are written. */
export function rangeText(range: string): string {
  return range
    .replace(/>=\s*/g, '≥ ')
    .replace(/<=\s*/g, '≤ ')
    .replace(/([<>])\s*(?=\d)/g, '$1 ');
}
