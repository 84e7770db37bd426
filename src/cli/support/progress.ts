import { printable, type Output } from './output.ts';

export interface ProgressLine {
  label: string;
  done: number;
  total: number;
  /** What stands behind the numbers: a state, a speed. */
  note?: string;
  /** How the numbers are written; default: as they are. */
  format?: (n: number) => string;
}

const BAR_WIDTH = 24;
const STEPS_BETWEEN_LINES = 4; // a line at each quarter where nothing can be redrawn

/**
 * Progress of several things at once, on stderr: bars that redraw themselves on a terminal; elsewhere a line when a thing
 * starts, passes a quarter, changes its note or ends.
 */
export class Progress {
  readonly #out: Output;
  readonly #lines = new Map<string, ProgressLine>();
  readonly #said = new Map<string, string>();
  #drawn = 0;

  constructor(out: Output) {
    this.#out = out;
  }

  /** Whether news may come as often as they like: where nothing is redrawn, each would be a line. */
  get redraws(): boolean {
    return this.#out.terminal.interactive;
  }

  update(key: string, line: ProgressLine): void {
    this.#lines.set(key, line);
    if (this.#out.terminal.interactive) this.#redraw();
    else this.#sayWhenNew(key, line);
  }

  /** A line that stays above the bars. */
  note(text: string): void {
    this.#erase();
    this.#out.note(text);
    if (this.#out.terminal.interactive) this.#redraw();
  }

  /** Leaves the bars as they are; what is written next starts on a fresh line. */
  end(): void {
    this.#drawn = 0;
    this.#lines.clear();
    this.#said.clear();
  }

  #redraw(): void {
    this.#erase();
    const { columns } = this.#out.terminal;
    const texts = [...this.#lines.values()].map((line) => formatBar(line).slice(0, columns - 1));
    this.#out.draw(texts.map((text) => `${text}\n`).join(''));
    this.#drawn = texts.length;
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.draw(`\u001b[${this.#drawn}A\u001b[0J`);
    this.#drawn = 0;
  }

  #sayWhenNew(key: string, line: ProgressLine): void {
    const quarter = line.total === 0 ? 0 : Math.floor((line.done / line.total) * STEPS_BETWEEN_LINES);
    const mark = `${quarter} ${line.note ?? ''}`;
    if (this.#said.get(key) === mark) return;
    this.#said.set(key, mark);
    this.#out.note(formatPlain(line));
  }
}

export function formatBar(line: ProgressLine): string {
  const fraction = line.total === 0 ? 0 : Math.min(1, line.done / line.total);
  const filled = Math.round(fraction * BAR_WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
  return `${printable(line.label).padEnd(24)} ${bar} ${numbers(line)}${tail(line)}`;
}

function formatPlain(line: ProgressLine): string {
  return `${printable(line.label)}: ${numbers(line)}${tail(line)}`;
}

const numbers = ({ done, total, format = String }: ProgressLine): string =>
  `${format(done)}/${format(total)}`;

const tail = (line: ProgressLine): string =>
  line.note === undefined || line.note === '' ? '' : ` ${printable(line.note)}`;
