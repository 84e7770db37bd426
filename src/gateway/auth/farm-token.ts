import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '../../shared/logging/logger.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';

/** Below this a token could be guessed. */
const MIN_TOKEN_CHARACTERS = 32;

/** The farm's one token, and the cookie that stands for it. Compared in constant time. */
export class FarmToken {
  /** Derived from the token, so that a browser never stores the token itself; another token ends all sessions. */
  readonly cookieValue: string;
  readonly #tokenDigest: Buffer;
  readonly #cookieDigest: Buffer;

  constructor(token: string) {
    this.cookieValue = createHmac('sha256', token).update('farmhand-session-1').digest('base64url');
    this.#tokenDigest = digest(token);
    this.#cookieDigest = digest(this.cookieValue);
  }

  matches(candidate: string): boolean {
    return timingSafeEqual(digest(candidate), this.#tokenDigest);
  }

  matchesCookie(candidate: string): boolean {
    return timingSafeEqual(digest(candidate), this.#cookieDigest);
  }
}

/**
 * Reads the token that FARMHAND_TOKEN_FILE names.
 * @throws FarmError `invalid` when the file cannot be read or holds too little.
 */
export async function readFarmToken(path: string, log: Logger): Promise<FarmToken> {
  let token: string;
  try {
    token = (await readFile(path, 'utf8')).trim();
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0)
      log.warn({ path }, 'the token file can be read by others; its mode should be 0600');
  } catch (error) {
    throw new FarmError(
      'invalid',
      `FARMHAND_TOKEN_FILE names a file that cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (token.length < MIN_TOKEN_CHARACTERS) {
    throw new FarmError(
      'invalid',
      `The file that FARMHAND_TOKEN_FILE names holds ${token.length} characters; expected a token of at least ` +
        `${MIN_TOKEN_CHARACTERS}, such as \`openssl rand -hex 32\` prints.`,
    );
  }
  return new FarmToken(token);
}

/** Hashed first, so that all comparisons are of equal length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
