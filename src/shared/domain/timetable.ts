/** When a worker may work, by the clock of its own machine. */
export interface Timetable {
  /** Minutes of the day; `to` is not above `from` where it is past midnight, and then belongs to the day on which it began. */
  windows: readonly { days: ReadonlySet<number>; from: number; to: number }[];
}

/** What {@link parseTimetable} takes, for error messages. */
export const TIMETABLE_RULE =
  'times such as "19:00-08:00 and weekends", "mon-fri 20:00-07:00, sat, sun", "always" or "never"';

const DAY_MINUTES = 1_440;
const HOUR_MS = 3_600_000;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const NAMED_DAYS: Readonly<Record<string, readonly number[]>> = {
  weekends: [6, 0],
  weekdays: [1, 2, 3, 4, 5],
  daily: [0, 1, 2, 3, 4, 5, 6],
};
/** How far a change is looked for: a week, and a day for one that is just over. */
const HORIZON_DAYS = 8;

/**
 * Reads times that are joined by commas or `and`: hours (`19:00-08:00`, every day), days (`sat`, `mon-fri`, `weekends`, all
 * day), or days with hours (`mon-fri 20:00-07:00`). Hours past midnight belong to the day on which they begin.
 * @returns undefined for any other text.
 */
export function parseTimetable(text: string): Timetable | undefined {
  const normal = text.trim().toLowerCase();
  if (normal === 'never') return { windows: [] };
  if (normal === 'always')
    return { windows: [{ days: new Set(NAMED_DAYS['daily']), from: 0, to: DAY_MINUTES }] };
  const windows = normal.split(/\s*,\s*(?:and\s+)?|\s+and\s+/).map(parseWindow);
  return windows.every((window) => window !== undefined) ? { windows } : undefined;
}

/** Whether work may go on at that moment, by the local clock. */
export function isOpen({ windows }: Timetable, at: Date): boolean {
  const minute = at.getHours() * 60 + at.getMinutes();
  const day = at.getDay();
  const dayBefore = (day + 6) % 7;
  return windows.some(({ days, from, to }) =>
    from < to
      ? days.has(day) && minute >= from && minute < to
      : (days.has(day) && minute >= from) || (days.has(dayBefore) && minute < to),
  );
}

/** When it next opens or closes; null when it never does. Holds over changes to and from summer time. */
export function nextChange(timetable: Timetable, from: Date): Date | null {
  const open = isOpen(timetable, from);
  const moments = [...localBoundaries(timetable, from), ...wholeHours(from)]
    .filter((ms) => ms > from.getTime())
    .sort((a, b) => a - b);
  const change = moments.find((ms) => isOpen(timetable, new Date(ms)) !== open);
  return change === undefined ? null : new Date(change);
}

function localBoundaries({ windows }: Timetable, from: Date): number[] {
  const minutes = new Set([0, ...windows.flatMap((window) => [window.from, window.to])]);
  return Array.from({ length: HORIZON_DAYS }, (_, day) =>
    [...minutes].map((minute) =>
      new Date(from.getFullYear(), from.getMonth(), from.getDate() + day, 0, minute).getTime(),
    ),
  ).flat();
}

/** Clocks are put forward and back at whole hours. */
function wholeHours(from: Date): number[] {
  const first = Math.ceil(from.getTime() / HOUR_MS) * HOUR_MS;
  return Array.from({ length: HORIZON_DAYS * 24 }, (_, hour) => first + hour * HOUR_MS);
}

function parseWindow(text: string): Timetable['windows'][number] | undefined {
  const words = text.split(/\s+/);
  const hours = parseHours(words.at(-1) ?? '');
  const names = hours === undefined ? words : words.slice(0, -1);
  if (names.length === 0 && hours !== undefined) return { days: new Set(NAMED_DAYS['daily']), ...hours };
  const days = names.map(parseDays);
  if (!days.every((some) => some !== undefined)) return undefined;
  return { days: new Set(days.flat()), ...(hours ?? { from: 0, to: DAY_MINUTES }) };
}

function parseHours(text: string): { from: number; to: number } | undefined {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)-(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text);
  if (!match) return undefined;
  const from = Number(match[1]) * 60 + Number(match[2]);
  const to = match[3] === undefined ? DAY_MINUTES : Number(match[3]) * 60 + Number(match[4]);
  return from === to ? undefined : { from, to };
}

function parseDays(text: string): readonly number[] | undefined {
  const named = NAMED_DAYS[text];
  if (named !== undefined) return named;
  const match = /^([a-z]+)(?:-([a-z]+))?$/.exec(text);
  const first = dayOf(match?.[1] ?? '');
  const last = match?.[2] === undefined ? first : dayOf(match[2]);
  if (first === undefined || last === undefined) return undefined;
  return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, i) => (first + i) % 7);
}

/** `mon`, `monday`; undefined for any other word. */
function dayOf(word: string): number | undefined {
  const full = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
  const index = word.length === 3 ? DAYS.indexOf(word) : full.indexOf(word);
  return index < 0 ? undefined : index;
}
