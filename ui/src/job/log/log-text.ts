/** Escape sequences that programs write for terminals: CSI (colours, cursor), OSC (titles) and two-letter ones. */
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** Lines longer than this are cut when shown: nobody reads them, and one huge line would stall the page. */
const MAX_LINE = 4_000;

const ERROR_LINE =
  /\b(?:error|fatal|exception|traceback|segmentation fault|abort(?:ed)?|killed|failed|cannot|could not|unable to|out of memory)\b/i;
const NO_ERROR = /\b(?:0|no) errors?\b|\berrors?\s*[:=]\s*0\b|error-free/i;

/** What no font shows: kept visible, for it may be what is wrong. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

export interface LogLine {
  number: number;
  /** As it is read and searched: no terminal codes. */
  text: string;
  isError: boolean;
  /** With its terminal codes, where it has any. */
  coloured?: string;
}

/** A log as text → lines for the eye: no terminal codes, progress that overwrote itself (`\r`) reduced to its last form. */
export function toLogLine(raw: string, number: number): LogLine {
  const last = raw.replace(/\r+$/, '');
  const shown = last.slice(last.lastIndexOf('\r') + 1);
  const hasCodes = shown.includes('\u001b');
  const text = cut(visible(hasCodes ? shown.replace(ANSI, '') : shown));
  const line = { number, text, isError: ERROR_LINE.test(text) && !NO_ERROR.test(text) };
  return hasCodes ? { ...line, coloured: shown } : line;
}

const cut = (text: string): string => (text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text);

/** Control characters as their pictures: NUL is ␀. */
export function visible(text: string): string {
  return text.replace(CONTROL, (sign) =>
    String.fromCharCode(sign === '\u007f' ? 0x2421 : 0x2400 + sign.charCodeAt(0)),
  );
}

/** Text that arrives in pieces → lines. The unfinished last line is part of `lines()` but may still grow. */
export class LogBuffer {
  readonly #lines: LogLine[] = [];
  #rest = '';
  /** Lines before the first one here. */
  readonly #before: number;

  constructor(before = 0) {
    this.#before = before;
  }

  append(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#lines.push(toLogLine(part, this.#next));
  }

  lines(): LogLine[] {
    return this.#rest === '' ? this.#lines.slice() : [...this.#lines, toLogLine(this.#rest, this.#next)];
  }

  get #next(): number {
    return this.#before + this.#lines.length + 1;
  }
}
