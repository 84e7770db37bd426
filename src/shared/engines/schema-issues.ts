import type { z } from 'zod';

type Issue = z.core.$ZodIssue;
type UnknownKeys = Extract<Issue, { code: 'unrecognized_keys' }>;

/** Where in a file's value an issue is. */
export const pathOf = (issue: Issue): (string | number)[] =>
  issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));

/** Fields that a strict schema does not know, each at its key. */
export const unknownFields = (
  issue: UnknownKeys,
): { path: (string | number)[]; atKey: true; message: string }[] =>
  issue.keys.map((key) => ({
    path: [...pathOf(issue), key],
    atKey: true,
    message: 'there is no such field',
  }));
