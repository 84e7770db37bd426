/** Escape sequences that programs write for terminals: CSI (colours, cursor), OSC (titles) and two-letter ones. */
const ANSI = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** Lines longer than this are cut when shown: nobody reads them, and one huge line would stall the page. */
const MAX_LINE = 4_000;

const ERROR_LINE =
  /\b(?:error|fatal|exception|traceback|segmentation fault|abort(?:ed)?|killed|failed|cannot|could not|unable to|out of memory)\b/i;
const NO_ERROR = /\b(?:0|no) errors?\b|\berrors?\s*[:=]\s*0\b|error-free/i;

export interface LogLine {
  number: number;
  text: string;
  isError: boolean;
}

/** A log as text → lines for the eye: no terminal codes, progress that overwrote itself (`\r`) reduced to its last form. */
export function toLogLine(raw: string, number: number): LogLine {
  const last = raw.replace(/\r+$/, '');
  const shown = last.slice(last.lastIndexOf('\r') + 1).replace(ANSI, '');
  const text = shown.length > MAX_LINE ? `${shown.slice(0, MAX_LINE)}…` : shown;
  return { number, text, isError: ERROR_LINE.test(text) && !NO_ERROR.test(text) };
}

/** Text that arrives in pieces → lines. The unfinished last line is part of `lines()` but may still grow. */
export class LogBuffer {
  readonly #lines: LogLine[] = [];
  #rest = '';

  append(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#lines.push(toLogLine(part, this.#lines.length + 1));
  }

  lines(): LogLine[] {
    return this.#rest === ''
      ? this.#lines.slice()
      : [...this.#lines, toLogLine(this.#rest, this.#lines.length + 1)];
  }
}
