/** A stretch of time, in seconds from the beginning. */
export interface Stretch {
  start: number;
  end: number;
}

const MOST_NAMED = 4;

/** Seconds of all together. */
export const secondsOf = (stretches: readonly Stretch[]): number =>
  stretches.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0);

/** The share of a duration, 0–1; 0 where that is not known. */
export function shareOf(stretches: readonly Stretch[], seconds: number | null): number {
  if (seconds === null || seconds <= 0) return 0;
  return Number(Math.min(1, secondsOf(stretches) / seconds).toFixed(4));
}

/** The longest one; undefined where there is none. */
export const longestOf = (stretches: readonly Stretch[]): Stretch | undefined =>
  stretches.reduce<Stretch | undefined>(
    (most, one) => (most === undefined || one.end - one.start > most.end - most.start ? one : most),
    undefined,
  );

/** What of the stretches lies in none of the others. */
export function outside(stretches: readonly Stretch[], others: readonly Stretch[]): Stretch[] {
  return others.reduce<Stretch[]>(
    (left, { start, end }) =>
      left.flatMap((one) =>
        [
          { start: one.start, end: Math.min(one.end, start) },
          { start: Math.max(one.start, end), end: one.end },
        ].filter((part) => part.end > part.start),
      ),
    [...stretches],
  );
}

const PART = /^(\d{1,6}(?:\.\d{1,3})?)-(\d{1,6}(?:\.\d{1,3})?)$/;
const MOST_PARTS = 200;

/** `0-1.5,58-60`: seconds, joined by commas. @returns undefined for anything else */
export function parseStretches(text: string): Stretch[] | undefined {
  const parts = text.replace(/\s+/g, '').split(',');
  if (parts.length > MOST_PARTS) return undefined;
  const stretches = parts.flatMap((part) => {
    const [, start, end] = PART.exec(part) ?? [];
    return Number(end) > Number(start) ? [{ start: Number(start), end: Number(end) }] : [];
  });
  return stretches.length === parts.length ? stretches : undefined;
}

/** `0–1.2 s and 58–60 s`, the first ones of many. */
export function stretchesText(stretches: readonly Stretch[]): string {
  const named = stretches.slice(0, MOST_NAMED).map(({ start, end }) => `${round(start)}–${round(end)} s`);
  const rest = stretches.length - named.length;
  if (rest > 0) named.push(`${rest.toLocaleString('en')} more`);
  const last = named.pop() ?? '';
  return named.length === 0 ? last : `${named.join(', ')} and ${last}`;
}

const round = (seconds: number): string => String(Number(seconds.toFixed(2)));
