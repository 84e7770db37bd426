import { RE2JS, RE2JSSyntaxException } from 're2js';
import { messageOf } from '../domain/errors.ts';

/** More of a line than this is not looked at. */
const MAX_LOOKED_AT = 4_096;

/** A pattern in RE2's syntax: its time grows with the text's length only, whoever wrote it and whatever the text. */
export class Pattern {
  readonly groups: number;
  /** Its instructions: each character of a text is held against them all at worst. */
  readonly size: number;
  readonly #compiled: RE2JS;

  /** @throws PatternError */
  constructor(text: string) {
    try {
      this.#compiled = RE2JS.compile(text);
    } catch (error) {
      throw new PatternError(text, error);
    }
    this.groups = this.#compiled.groupCount();
    this.size = this.#compiled.programSize();
  }

  /** ajv tells patterns apart by it. */
  toString(): string {
    return `RE2 ${this.#compiled.pattern()}`;
  }

  test(text: string): boolean {
    return this.#compiled.matcher(text.slice(0, MAX_LOOKED_AT)).find();
  }

  /** @returns the whole match and its groups, null for those that took no part; undefined where nothing matches */
  match(text: string, longest = MAX_LOOKED_AT): (string | null)[] | undefined {
    const matcher = this.#compiled.matcher(text.slice(0, longest));
    if (!matcher.find()) return undefined;
    return Array.from({ length: this.groups + 1 }, (_, i) => matcher.group(i));
  }

  /** Takes out whatever matches. */
  remove(text: string): string {
    return text.length > MAX_LOOKED_AT ? text : this.#compiled.matcher(text).replaceAll('');
  }
}

/** RE2 does not take a pattern. */
export class PatternError extends Error {
  override name = 'PatternError';
  /** The part that is wrong. */
  readonly piece: string;

  constructor(pattern: string, cause: unknown) {
    const isSyntax = cause instanceof RE2JSSyntaxException;
    const piece = isSyntax ? (cause.input ?? pattern) : pattern;
    const why = isSyntax ? cause.error : messageOf(cause);
    super(`${why}: ${piece}${hintFor(piece)}`, { cause });
    this.piece = piece;
  }
}

function hintFor(piece: string): string {
  if (/^\(\?<?[=!]/.test(piece)) return ' (RE2 has no look-around: add an `unless` pattern instead)';
  if (/^\\\d/.test(piece)) return ' (RE2 has no back references)';
  return '';
}
