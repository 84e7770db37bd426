/** The part of a video that is played, in seconds; null: from its beginning, to its end. */
export interface PlayRange {
  from: number | null;
  to: number | null;
}

export const WHOLE: PlayRange = { from: null, to: null };

/** With a new beginning; an end before it is given up. */
export function playFrom({ to }: PlayRange, at: number): PlayRange {
  return { from: at, to: to !== null && to <= at ? null : to };
}

export function playTo({ from }: PlayRange, at: number): PlayRange {
  return { from: from !== null && from >= at ? null : from, to: at };
}

/** Where to go on from a place beyond the range; undefined: it is within. @param forwards which way it plays */
export function wrapped(
  { from, to }: PlayRange,
  at: number,
  { forwards, loop }: { forwards: boolean; loop: boolean },
): { seek: number; stop: boolean } | undefined {
  if (forwards && to !== null && at >= to) return { seek: loop ? (from ?? 0) : to, stop: !loop };
  if (!forwards && from !== null && at <= from)
    return { seek: loop && to !== null ? to : from, stop: !loop || to === null };
  return undefined;
}

/** `00:00:04:11`: hours, minutes, seconds and pictures. @param picture counted from 0 */
export function timecode(picture: number, fps: number): string {
  const rate = Math.max(1, Math.round(fps));
  const seconds = Math.floor(picture / rate);
  return [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60, picture % rate]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
