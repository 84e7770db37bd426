import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijkmnpqrstuvwxyz';

/** A new id that sorts by creation time: nine characters of milliseconds, then random ones (60 bits). */
export function newId(prefix: string): string {
  const time = Date.now().toString(36).padStart(9, '0');
  const random = Array.from(randomBytes(12), (byte) => ALPHABET[byte % 32] ?? '0').join('');
  return `${prefix}${time}${random}`;
}
