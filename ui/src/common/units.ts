/** `3 m 12 s`, `1 h 04 m`, `0.42 s`. Two units at most: more digits say nothing. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 10 && seconds % 1 !== 0) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${pad(Math.floor((whole % 3_600) / 60))} m`;
  return `${Math.floor(whole / 86_400)} d ${pad(Math.floor((whole % 86_400) / 3_600))} h`;
}

/** How long ago, in one unit: `12 s ago`, `3 h ago`. Clocks differ a little: the future is `just now`. */
export function formatAge(from: string, nowMs: number): string {
  const seconds = Math.floor((nowMs - Date.parse(from)) / 1_000);
  if (Number.isNaN(seconds)) return '–';
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Seconds between two times, or up to now while there is no end; null before the start. */
export function elapsedSeconds(start: string | null, end: string | null, nowMs: number): number | null {
  if (start === null) return null;
  const until = end === null ? nowMs : Date.parse(end);
  return Math.max(0, (until - Date.parse(start)) / 1_000);
}

/** `1.4 MB`: powers of 1000, as file managers and S3 bills count. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? 'TB'}`;
}

/** Making one takes longer than a thousand uses. */
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** The absolute time, for a title: local, with seconds and zone. */
export function formatTime(iso: string | null): string {
  if (iso === null) return '';
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return TIME.format(date);
}

/** `1 frame`, `12 frames`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
