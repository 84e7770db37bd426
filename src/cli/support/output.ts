import type { Writable } from 'node:stream';

/** Control characters (but tab and line feed) could steer the terminal of whoever reads a name or a log line. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Text from elsewhere as one harmless line. */
export function printable(text: string): string {
  return text.replace(/\r\n?|\n/g, ' ').replace(CONTROL, '?');
}

/** Several harmless lines; carriage returns, by which programs redraw a line, become line feeds. */
export function printableLines(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(CONTROL, '?');
}

/**
 * Where a command writes. Results go to stdout: text for people or, with `--json`, one JSON document. Everything that is
 * said along the way goes to stderr.
 */
export class Output {
  readonly json: boolean;
  readonly #stdout: Writable;
  readonly #stderr: Writable & { isTTY?: boolean; columns?: number };

  constructor(
    json: boolean,
    stdout: Writable = process.stdout,
    stderr: Writable & { isTTY?: boolean; columns?: number } = process.stderr,
  ) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** A line along the way, on stderr. */
  note(line: string): void {
    this.#stderr.write(`${line}\n`);
  }

  /** Raw text for stderr: bars that redraw themselves. */
  draw(text: string): void {
    this.#stderr.write(text);
  }

  /** Whether stderr is a terminal, and how wide it is. */
  get terminal(): { interactive: boolean; columns: number } {
    return { interactive: this.#stderr.isTTY === true, columns: this.#stderr.columns ?? 80 };
  }

  /** The result: `value` with `--json`, else `text`. */
  async result(value: unknown, text: () => string): Promise<void> {
    await this.#write(this.json ? `${JSON.stringify(value, null, 2)}\n` : `${text()}\n`);
  }

  /** A piece of a result that is written as it comes. */
  async write(text: string): Promise<void> {
    await this.#write(text);
  }

  /** A JSON array of unknown length, written item by item. */
  async streamArray(items: AsyncIterable<unknown>): Promise<void> {
    let before = '[';
    for await (const item of items) {
      await this.#write(`${before}\n${JSON.stringify(item)}`);
      before = ',';
    }
    await this.#write(before === '[' ? '[]\n' : '\n]\n');
  }

  async #write(text: string): Promise<void> {
    if (this.#stdout.write(text)) return;
    await new Promise<void>((resolve) => this.#stdout.once('drain', resolve));
  }
}

/** A reader that went away (`farmhand frames ID | head`) ends the command quietly; its exit code is the usual one of a pipe. */
export function endQuietlyOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}
