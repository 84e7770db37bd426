import { JobQueryError } from './job-query.ts';

/** A value as it was written. */
export interface WrittenValue {
  text: string;
  quoted: boolean;
  at: number;
  length: number;
}

const BARE_VALUE = /[^\s,"]+/y;
const BARE_WORD = /[^\s"]+/y;
const FIELD = /([A-Za-z]+)(>=|<=|[:=<>])/y;
const SPACE = /\s*/y;

/** Walks through a query's characters. */
export class QueryReader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** @returns whether anything is left */
  skipSpace(): boolean {
    this.#match(SPACE);
    return this.at < this.text.length;
  }

  /** Takes the character if it is next. */
  takeIf(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** `-` before something. */
  takeNot(): boolean {
    const next = this.text[this.at + 1];
    return next !== undefined && !/\s/.test(next) && this.takeIf('-');
  }

  /** `owner:`, `frames>=` */
  takeField(): { name: string; operator: string; at: number } | undefined {
    const at = this.at;
    const match = this.#match(FIELD);
    return match && { name: match[1] ?? '', operator: match[2] ?? '', at };
  }

  takeWord(): WrittenValue | undefined {
    return this.#bareOrQuoted(BARE_WORD);
  }

  takeValue(): WrittenValue | undefined {
    return this.#bareOrQuoted(BARE_VALUE);
  }

  /** The name of a label, up to `=`. */
  takeKey(): WrittenValue | undefined {
    return this.#bareOrQuoted(/[^\s,"=]+/y);
  }

  /** After a term there is a space or nothing. */
  expectEnd(): void {
    const next = this.text[this.at];
    if (next === undefined || /\s/.test(next)) return;
    throw this.error(
      next === '"' ? 'a space goes before a quotation mark that begins a text' : 'a space goes between terms',
      { at: this.at, length: 1 },
    );
  }

  error(problem: string, { at, length }: { at: number; length: number }): JobQueryError {
    const place = { at, length: Math.max(1, Math.min(length, this.text.length - at)) };
    return new JobQueryError(problem, place, this.text.slice(at, at + place.length));
  }

  #bareOrQuoted(bare: RegExp): WrittenValue | undefined {
    const at = this.at;
    if (this.text[at] === '"') {
      const text = this.#quoted();
      return { text, quoted: true, at, length: this.at - at };
    }
    const text = this.#match(bare)?.[0];
    return text === undefined ? undefined : { text, quoted: false, at, length: text.length };
  }

  /** A text in quotation marks, in which `\"` and `\\` stand for the second character. */
  #quoted(): string {
    const at = this.at;
    let text = '';
    for (let i = at + 1; i < this.text.length; i++) {
      const character = this.text[i] ?? '';
      const next = this.text[i + 1];
      if (character === '"') {
        this.at = i + 1;
        return text;
      }
      if (character === '\\' && (next === '"' || next === '\\')) {
        text += next;
        i++;
      } else text += character;
    }
    throw this.error('the quotation mark that ends this text is missing', {
      at,
      length: this.text.length - at,
    });
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return undefined;
    this.at = pattern.lastIndex;
    return match;
  }
}
