import type { FailureClass } from '../contracts/messages.ts';
import type { OutputEvent } from './output-reader.ts';

export interface Reason {
  class: FailureClass;
  message: string;
}

const MAX_WARNINGS = 5;
const MAX_MESSAGES = 50;
/** The first things that a program complains about: the later ones follow from them. */
const QUOTED = 3;
const MAX_REASON = 2_000;

/** What a program said in one run, put together. */
export class RunReport {
  readonly #warnings = new Set<string>();
  readonly #messages: { isFatal: boolean; class: FailureClass; text: string }[] = [];
  /** Share of the work done, as far as it said. */
  fraction: number | null = null;
  /** The last frame that it named. */
  frame: number | null = null;
  /** The last file that it says it wrote. */
  saved: string | null = null;
  /** Whether it said that it came to the end. */
  ended = false;

  add(event: OutputEvent): void {
    if (event.fraction !== undefined) this.fraction = event.fraction;
    if (event.frame !== undefined) this.frame = event.frame;
    if (event.path !== undefined) this.saved = event.path;
    if (event.type === 'end') this.ended = true;
    const { text } = event;
    if (text === undefined) return;
    if (event.type === 'warn') {
      if (this.#warnings.size < MAX_WARNINGS) this.#warnings.add(text);
    } else if (this.#messages.length < MAX_MESSAGES) {
      this.#messages.push({ isFatal: event.type !== 'error', class: classOf(event), text });
    }
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  /** Why the frame cannot be right, whatever the exit code says; undefined when nothing that it said means that. */
  fatal(): Reason | undefined {
    return this.#messages.some(({ isFatal }) => isFatal) ? this.reason() : undefined;
  }

  /** What it complained about, for a frame that failed. */
  reason(): Reason | undefined {
    const [first] = this.#messages;
    if (!first) return undefined;
    const told = this.#messages.filter((message) => message.class !== 'scene');
    const special = told.find(({ isFatal }) => isFatal) ?? told[0];
    if (special) {
      const same = told.filter((message) => message.class === special.class);
      return { class: special.class, message: quote(same) };
    }
    // "Cannot parse input." is said after the error that says why.
    const errors = this.#messages.filter(({ isFatal }) => !isFatal);
    return { class: 'scene', message: quote(errors.length > 0 ? errors : this.#messages) };
  }
}

function classOf(event: OutputEvent): FailureClass {
  if (event.type === 'memory') return 'out-of-memory';
  if (event.type === 'licence') return 'licence';
  return event.class ?? 'scene';
}

function quote(messages: readonly { text: string }[]): string {
  const texts = [...new Set(messages.map(({ text }) => text))];
  return texts.slice(0, QUOTED).join(' · ').slice(0, MAX_REASON);
}
