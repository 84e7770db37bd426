import type { FailureClass } from '../../../shared/contracts/messages.ts';

const PROGRESS = /Rendered (\d+) of (\d+) pixels/;
const ERROR_START = /(?:^|line \d+: )(?:Possible )?Parse Error:|^Fatal error|^Cannot /;
const WARNING_START = /Parse Warning:|^Warning:/;
const MISSING = /Cannot (?:find|open) (?:file|include file|image file|font file|input file|height field)/i;
const MAX_WARNINGS = 5;

/**
 * Reads what POV-Ray 3.7 prints (stderr, split at carriage returns too). It wraps its messages at 80 columns; a
 * continued line starts with a space.
 */
export class PovrayOutput {
  readonly #messages: { kind: 'error' | 'warning'; text: string }[] = [];
  #open = false;
  #failed = false;

  /** @returns the share of pixels done, when the line says one */
  read(line: string): number | null {
    const progress = PROGRESS.exec(line);
    if (progress) {
      this.#open = false;
      const total = Number(progress[2]);
      return total > 0 ? Math.min(1, Number(progress[1]) / total) : null;
    }
    if (this.#open && line.startsWith(' ')) {
      const last = this.#messages.at(-1);
      if (last) last.text += ` ${line.trim()}`;
      return null;
    }
    const kind = ERROR_START.test(line) ? 'error' : WARNING_START.test(line) ? 'warning' : null;
    this.#open = kind !== null;
    if (kind) this.#messages.push({ kind, text: line.trim() });
    // What follows "Fatal error" is no warning: the exit code alone does not say it in every build.
    if (line.startsWith('Fatal error') || line.startsWith('Render failed')) this.#failed = true;
    return null;
  }

  get warnings(): string[] {
    const texts = this.#messages
      .filter((message) => message.kind === 'warning')
      .map((message) => message.text);
    return [...new Set(texts)].slice(0, MAX_WARNINGS);
  }

  /** Why the frame failed, in POV-Ray's own words; null when it printed no fatal line. */
  failure(): { class: FailureClass; message: string } | null {
    if (!this.#failed) return null;
    const errors = this.#messages
      .filter((message) => message.kind === 'error')
      .map((message) => message.text);
    const missing = errors.filter((text) => MISSING.test(text));
    if (missing.length > 0) return { class: 'missing-asset', message: unique(missing) };
    const specific = errors.filter((text) => !text.startsWith('Fatal error'));
    if (errors.some((text) => /out of memory|bad_alloc/i.test(text)))
      return { class: 'out-of-memory', message: unique(errors) };
    if (errors.some((text) => /disk full|no space left/i.test(text)))
      return { class: 'host', message: unique(errors) };
    return { class: 'scene', message: unique(specific.length > 0 ? specific : errors) || 'Render failed' };
  }
}

/** The last messages say most: the first error is often followed by its consequences, but POV-Ray stops at one. */
function unique(texts: string[]): string {
  return [...new Set(texts)].slice(-3).join(' ').slice(0, 2_000);
}
