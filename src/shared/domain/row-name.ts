import { describeValue } from './errors.ts';

/** Of UTF-8. File systems take 255: there is room for an extension and a number. */
const MAX_NAME_BYTES = 200;
const PLACEHOLDER = /\{([^{}]+)\}/g;
export const NAME_PATTERN_RULE = 'text with {row} and {column}, without other braces';

/** Whether a text is a pattern such as `{title} {row}`: columns of the data, and the row's number as `row` or `row:04`. */
export function isNamePattern(text: string): boolean {
  return !/[{}]/.test(text.replace(PLACEHOLDER, ''));
}

/** The columns that a pattern names, each once; not the row's number. */
export function patternColumns(pattern: string): string[] {
  const names = [...pattern.matchAll(PLACEHOLDER)].map(([, name = '']) => name);
  return [...new Set(names.filter((name) => rowWidth(name) === undefined))];
}

/**
 * What a row's job, and the files that are taken home, are called: values of its columns, with whatever no file system takes
 * replaced. A name that would be empty is `row <n>`.
 */
export function rowName(pattern: string, row: number, data: Readonly<Record<string, unknown>>): string {
  const text = pattern.replace(PLACEHOLDER, (_whole, name: string) => {
    const width = rowWidth(name);
    if (width !== undefined) return String(row).padStart(width, '0');
    return Object.hasOwn(data, name) ? textOf(data[name]) : '';
  });
  const name = fileSafeName(text);
  return name === '' ? `row ${row}` : name;
}

/** The name of a file or folder that every system takes; empty when nothing of the text is left. */
export function fileSafeName(text: string): string {
  const plain = text
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/[<>:"|?*/\\]/g, '_')
    .replace(/\s+/g, ' ');
  const cut = cutToBytes(plain.toWellFormed());
  // Neither hidden nor climbing out, and Windows drops dots and spaces at the end.
  const trimmed = cut.replace(/^[.\s]+|[.\s]+$/g, '');
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(trimmed) ? `_${trimmed}` : trimmed;
}

/** As many whole characters, as people see them, as there is room for. */
function cutToBytes(text: string): string {
  const encoder = new TextEncoder();
  if (encoder.encode(text).length <= MAX_NAME_BYTES) return text;
  let cut = '';
  let bytes = 0;
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, MAX_NAME_BYTES))) {
    bytes += encoder.encode(segment).length;
    if (bytes > MAX_NAME_BYTES) break;
    cut += segment;
  }
  return cut;
}

/** `row` → 1, `row:04` → 4; undefined for any other name. */
function rowWidth(name: string): number | undefined {
  if (name === 'row') return 1;
  const width = /^row:0?([1-9])$/.exec(name)?.[1];
  return width === undefined ? undefined : Number(width);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null || value === undefined ? '' : describeValue(value);
}
