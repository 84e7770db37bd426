/** When a frame was in an engine, in milliseconds of one clock. */
export interface FrameTimes {
  task: string;
  startMs: number;
  endMs: number;
}

export interface Gap {
  ms: number;
  betweenTasks: boolean;
}

/**
 * The idle time of slots between frames. A task stays on its slot; a task that begins is on the slot that has been free
 * for longest, which is what a farm with interchangeable slots does. Idle time before a slot's first frame is not counted.
 * @throws RangeError when more frames than slots were rendered at once.
 */
export function gapsOf(times: readonly FrameTimes[], slots: number): Gap[] {
  const byStart = times.toSorted((a, b) => a.startMs - b.startMs);
  const taskEndsMs = new Map(
    times.toSorted((a, b) => a.endMs - b.endMs).map(({ task, endMs }) => [task, endMs]),
  );
  const places: { task: string; freeMs: number }[] = [];
  const gaps: Gap[] = [];
  for (const { task, startMs, endMs } of byStart) {
    const same = places.find((place) => place.task === task);
    const free =
      same ??
      places
        .filter((place) => (taskEndsMs.get(place.task) ?? 0) <= startMs)
        .sort((a, b) => a.freeMs - b.freeMs)[0];
    if (free === undefined || (same === undefined && places.length < slots)) {
      if (places.length === slots)
        throw new RangeError(
          `More than ${slots} frames were rendered at once: the slots are not what they should be`,
        );
      places.push({ task, freeMs: endMs });
      continue;
    }
    gaps.push({ ms: startMs - free.freeMs, betweenTasks: same === undefined });
    free.task = task;
    free.freeMs = endMs;
  }
  return gaps;
}
