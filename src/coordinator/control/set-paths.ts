import { describeValue, InvalidInputError, type InputIssue } from '../../shared/domain/errors.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);
const SEGMENT = /^(?:\.?([A-Za-z0-9_-]+)|\[([A-Za-z0-9_-]+)\]|\["((?:[^"\\]|\\.)*)"\])/;

/**
 * A copy of a document with values set at paths such as `settings.samples`, `steps[0].frames`, `steps[render].frames` (the
 * step of that name) or `data["a name"]`; null removes. Objects on the way are made.
 * @throws InvalidInputError with every path that cannot be followed.
 */
export function setPaths(document: object, changes: Readonly<Record<string, unknown>>): Record<string, Json> {
  const copy = structuredClone(document) as Record<string, Json>;
  const issues: InputIssue[] = [];
  for (const [path, value] of Object.entries(changes)) {
    const expected = setPath(copy, path, value as Json);
    if (expected !== undefined) issues.push({ path, value: describeValue(value), expected });
  }
  if (issues.length > 0) throw new InvalidInputError('What is to be set', issues);
  return copy;
}

/** @returns what is expected where the path cannot be followed. */
function setPath(document: Record<string, Json>, path: string, value: Json): string | undefined {
  const segments = parsePath(path);
  const last = segments?.at(-1);
  if (!segments || last === undefined)
    return 'a path such as settings.samples, steps[0].frames or steps[render].frames';
  let at: Json = document;
  for (const segment of segments.slice(0, -1)) {
    const place = placeIn(at, segment);
    if (typeof place !== 'object') return place;
    const of = place.of as Record<string, Json | undefined>;
    if (of[place.key] === undefined && value === null) return undefined; // what is not there is removed already
    at = of[place.key] ??= {};
  }
  const place = placeIn(at, last);
  if (typeof place !== 'object') return place;
  if (value !== null) place.of[place.key as never] = value as never;
  else if (Array.isArray(place.of)) place.of.splice(Number(place.key), 1);
  else Reflect.deleteProperty(place.of, place.key);
  return undefined;
}

function parsePath(path: string): string[] | undefined {
  const segments: string[] = [];
  for (let rest = path; rest !== '';) {
    const match = SEGMENT.exec(rest);
    if (!match || (segments.length === 0 && rest.startsWith('.'))) return undefined;
    const segment = match[1] ?? match[2] ?? (JSON.parse(`"${match[3] ?? ''}"`) as string);
    if (FORBIDDEN.has(segment)) return undefined;
    segments.push(segment);
    rest = rest.slice(match[0].length);
    if (rest === '.') return undefined;
  }
  return segments;
}

/** Where a segment leads in an object or a list, or what is expected instead. */
function placeIn(value: Json, segment: string): { of: object; key: string | number } | string {
  if (Array.isArray(value)) {
    const index = /^\d+$/.test(segment)
      ? Number(segment)
      : value.findIndex(
          (item) =>
            typeof item === 'object' && item !== null && !Array.isArray(item) && item['name'] === segment,
        );
    if (index >= 0 && index <= value.length) return { of: value, key: index };
    return value.length === 0
      ? 'an index of 0: the list is empty'
      : `an index from 0 to ${value.length}, or a name that is in the list`;
  }
  if (typeof value !== 'object' || value === null)
    return 'a path that does not lead through a text or number';
  return { of: value, key: segment };
}
