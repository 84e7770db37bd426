import { z } from 'zod';
import { InvalidInputError, describeValue } from '../../shared/domain/errors.ts';

/** Where a page ended: the sort key of its last row. Opaque to clients. */
export function encodeCursor(key: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws InvalidInputError when the cursor is not one of this list's. */
export function decodeCursor<T>(schema: z.ZodType<T>, cursor: string | undefined): T | undefined {
  if (cursor === undefined) return undefined;
  const result = schema.safeParse(parse(cursor));
  if (result.success) return result.data;
  throw new InvalidInputError('The request', [
    { path: 'cursor', value: describeValue(cursor), expected: 'the "next" of an earlier page of this list' },
  ]);
}

/** Cuts what was read, with one row more than a page holds, to the page; `next` is null where there are no more. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (last: Row) => readonly (string | number)[],
): { page: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { page, next: last === undefined ? null : encodeCursor(keyOf(last)) };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined; // no schema accepts it
  }
}

/** Query parameter `limit`: how many a page may hold. */
export const limitSchema = (fallback: number, most: number) =>
  z.coerce.number().int().min(1).max(most).default(fallback);

/** Sorted by name, it holds a name of 200 characters. */
export const cursorSchema = z.string().min(1).max(2_000).optional();
