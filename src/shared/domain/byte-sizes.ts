const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** What {@link parseByteSize} takes, for error messages. */
export const BYTE_SIZE_RULE = 'a size such as "8 GiB", "500 MB" or a whole number of bytes';

/** @returns bytes; undefined when the text is no size or is larger than a petabyte. */
export function parseByteSize(text: string): number | undefined {
  const match = /^\s*(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?i?B)?\s*$/i.exec(text);
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * (UNITS[(match[2] ?? 'B').toUpperCase()] ?? 1));
  return bytes > 0 && bytes <= 1e15 ? bytes : undefined;
}

/** Bytes for people: `7.5 GiB`. */
export function formatByteSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${Number(value.toFixed(value < 10 && unit > 0 ? 1 : 0))} ${units[unit] ?? 'B'}`;
}

const DECIMAL_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** `1234567` → `1.2 MB` (powers of 1,000). */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < DECIMAL_UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${DECIMAL_UNITS[unit] ?? ''}`;
}
