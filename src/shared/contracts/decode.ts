import type { z } from 'zod';
import { FarmError, InvalidInputError, describeValue, type InputIssue } from '../domain/errors.ts';
import { isStorable } from '../domain/text.ts';

/** The deepest nesting that is read; JSON.parse itself would overflow on hostile depth much later. */
const DEFAULT_MAX_DEPTH = 64;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

export interface DecodeOptions {
  /** What it is, for the error's first words: "The job document". */
  what: string;
  maxBytes?: number;
  maxDepth?: number;
}

/**
 * Reads JSON that may come from anybody: size, UTF-8, depth, text that cannot be stored, and keys that would touch
 * prototypes are checked first.
 * @throws FarmError `too-large`, `invalid`
 */
export function decodeJson(bytes: Uint8Array, options: DecodeOptions): unknown {
  const { what, maxBytes = 1_000_000, maxDepth = DEFAULT_MAX_DEPTH } = options;
  if (bytes.byteLength > maxBytes) {
    throw new FarmError('too-large', `${what} has ${bytes.byteLength} bytes; at most ${maxBytes} are taken.`);
  }
  const text = decodeText(bytes, what);
  assertDepth(text, maxDepth, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(what, [
      {
        path: '',
        value: describeValue(text.slice(0, 40)),
        expected: `JSON (${(error as Error).message.slice(0, 120)})`,
      },
    ]);
  }
  if (!isHarmless(value)) assertContents(value, what);
  return value;
}

/**
 * Holds a value against a schema and reports every issue at once.
 * @throws InvalidInputError
 */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  throw new InvalidInputError(what, flattenIssues(result.error.issues));
}

/** JSON bytes → checked message. */
export function decodeMessage<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  return parseWith(schema, decodeJson(bytes, { what, maxBytes: 1_048_576 }), what);
}

export function encodeMessage(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** `['steps', 0, 'frames']` → `steps[0].frames`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

const MAX_ISSUES = 50;

function flattenIssues(issues: readonly z.core.$ZodIssue[]): InputIssue[] {
  return issues
    .flatMap((issue): InputIssue[] => {
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => ({
          path: formatPath([...issue.path, key.slice(0, 80)]),
          value: 'an unknown field',
          expected: 'only the documented fields',
        }));
      }
      return [
        {
          path: formatPath(issue.path),
          value: describeAt(issue.path, issue.input),
          expected: expectedOf(issue.message),
        },
      ];
    })
    .slice(0, MAX_ISSUES);
}

/** What stands at a path, unless its name says that it is nobody's business: answers are shown and logged. */
function describeAt(path: readonly PropertyKey[], value: unknown): string {
  const secret = path.some((key) => /secret|password|token/i.test(String(key)));
  return secret && value !== undefined ? 'a secret' : describeValue(value);
}

/** `Invalid input: expected string, received undefined` → `string`: the sentence around it says the rest. */
function expectedOf(message: string): string {
  return /^[^:]*: expected (.+?)(?:, received .*)?$/s.exec(message)?.[1] ?? message;
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidInputError(what, [
      { path: '', value: 'bytes that are not UTF-8', expected: 'JSON in UTF-8' },
    ]);
  }
}

function assertDepth(text: string, maxDepth: number, what: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      depth++;
      if (depth > maxDepth) {
        throw new InvalidInputError(what, [
          { path: '', value: `nesting deeper than ${maxDepth}`, expected: `at most ${maxDepth} levels` },
        ]);
      }
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
}

/** What `assertContents` asserts, without knowing where: most of what a coordinator decodes is harmless and large. */
function isHarmless(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isHarmless);
  return Object.entries(value).every(
    ([key, inner]) => !FORBIDDEN_KEYS.has(key) && isStorable(key) && isHarmless(inner),
  );
}

/** Says where a text stands that cannot be stored, or a key that would touch a prototype. */
function assertContents(value: unknown, what: string): void {
  const open: { value: unknown; path: PropertyKey[] }[] = [{ value, path: [] }];
  for (let at = open.pop(); at; at = open.pop()) {
    if (typeof at.value === 'string') assertStorable(at.value, at.path, what);
    if (typeof at.value !== 'object' || at.value === null) continue;
    for (const [key, inner] of Object.entries(at.value)) {
      const path = [...at.path, Array.isArray(at.value) ? Number(key) : key];
      assertStorable(key, at.path, what);
      if (FORBIDDEN_KEYS.has(key)) {
        throw new InvalidInputError(what, [
          { path: formatPath(path), value: 'a reserved name', expected: 'another name' },
        ]);
      }
      if (typeof inner === 'object' || typeof inner === 'string') open.push({ value: inner, path });
    }
  }
}

function assertStorable(text: string, path: readonly PropertyKey[], what: string): void {
  if (isStorable(text)) return;
  throw new InvalidInputError(what, [
    {
      path: formatPath(path),
      value: describeAt(path, text),
      expected: 'text without NUL (\\u0000) and without halves of surrogate pairs',
    },
  ]);
}
