/** A time (ISO 8601) as a field for local times takes it: `2026-11-24T22:30`. Empty for what is no time. */
export function localTime(value: unknown): string {
  const time = new Date(typeof value === 'string' ? value : NaN);
  if (Number.isNaN(time.getTime())) return '';
  const pad = (n: number): string => String(n).padStart(2, '0');
  const date = [time.getFullYear(), pad(time.getMonth() + 1), pad(time.getDate())].join('-');
  return `${date}T${pad(time.getHours())}:${pad(time.getMinutes())}`;
}
