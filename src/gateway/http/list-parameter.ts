import { z } from 'zod';

/** A comma-separated query parameter whose words are known, e.g. `state=running,failed`; absent means all. */
export function listOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z
    .string()
    .optional()
    .transform((text) => (text === undefined || text === '' ? [] : text.split(',')))
    .pipe(z.array(z.enum(words, `one or more of ${words.join(', ')}, with commas between`)));
}
