/** Whether a frame is in a range as the farm writes them: `1-24,30,40-60x5`. */
export function rangeHas(range: string, frame: number): boolean {
  return range.split(',').some((part) => {
    const match = /^\s*(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?\s*$/.exec(part);
    if (!match) return false;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    const step = match[3] === undefined ? 1 : Number(match[3]);
    return frame >= first && frame <= last && (frame - first) % step === 0;
  });
}

/** Ranges can be long: the first part and how many more there are. */
export function shortRange(range: string): string {
  return range.length <= 24 ? range : `${range.slice(0, 22)}…`;
}
