import type { FailureClass } from '../contracts/messages.ts';
import type { EngineDefinition, EventPattern, EventType, StreamName } from './definition.ts';
import { Pattern } from './patterns.ts';

/** What a line of a program's output means. */
export interface OutputEvent {
  type: EventType;
  /** Of `warn`, `error`, `fatal`, `licence`, `memory`: the program's own words. */
  text?: string;
  /** Of `frame`. */
  frame?: number;
  /** Of `fraction` and `ratio`: 0 … 1. */
  fraction?: number;
  /** Of `saved`. */
  path?: string;
  /** Of `error` and `fatal`. */
  class?: FailureClass;
}

type Said = Pick<EngineDefinition, 'events' | 'streams'>;

interface Understood {
  event: OutputEvent;
  /** The place in `events` of what matched. */
  rule: number;
}

interface Rule {
  event: EventPattern;
  /** Its place in `events`. */
  index: number;
  regex: Pattern;
  unless: Pattern | undefined;
}

const TEXTS: ReadonlySet<EventType> = new Set<EventType>(['warn', 'error', 'fatal', 'licence', 'memory']);
const MAX_TEXT = 1_000;

/** The patterns of a definition, ready for use. */
export class OutputRules {
  readonly continues: Pattern | undefined;
  readonly #rules: readonly Rule[];
  readonly #strip: readonly Pattern[];

  /** @throws PatternError */
  constructor({ events, streams }: Said) {
    this.#strip = streams.strip.map((text) => new Pattern(text));
    this.continues = streams.continues === undefined ? undefined : new Pattern(streams.continues);
    this.#rules = events.map((event, index) => ({
      event,
      index,
      regex: new Pattern(event.regex),
      unless: event.unless === undefined ? undefined : new Pattern(event.unless),
    }));
  }

  strip(line: string): string {
    return this.#strip.reduce((text, pattern) => pattern.remove(text), line);
  }

  /** @param stream undefined: not known, so that events of every stream are looked for */
  understand(stream: StreamName | undefined, line: string): Understood | undefined {
    for (const { event, index, regex, unless } of this.#rules) {
      if (stream !== undefined && event.stream !== undefined && event.stream !== stream) continue;
      const match = regex.match(line);
      if (!match || unless?.test(line) === true) continue;
      const meaning = toEvent(event, match, line);
      return meaning && { event: meaning, rule: index };
    }
    return undefined;
  }
}

function toEvent(event: EventPattern, match: (string | null)[], line: string): OutputEvent | undefined {
  const { type } = event;
  const [first, second] = [match[1] ?? '', match[2] ?? ''];
  if (TEXTS.has(type)) {
    const text = (match[1] ?? line).trim().slice(0, MAX_TEXT);
    return { type, text, ...(type === 'error' || type === 'fatal' ? { class: event.class ?? 'scene' } : {}) };
  }
  if (type === 'end') return { type };
  if (type === 'saved') return { type, path: first };
  const number = Number(first.replace(',', '.'));
  if (first === '' || !Number.isFinite(number)) return undefined;
  if (type === 'frame') return { type, frame: number };
  const whole = type === 'ratio' ? Number(second) : (event.of ?? 1);
  return whole > 0 ? { type, fraction: Math.min(1, Math.max(0, number / whole)) } : undefined;
}

/** Where an event comes from. */
export interface EventOrigin {
  /** Which of the lines that were read, from 0; of a message of several lines the first. */
  line: number;
  /** The place in `events` of what matched. */
  rule: number;
}

/** Reads the lines of one run. */
export class OutputReader {
  readonly #rules: OutputRules;
  readonly #take: (event: OutputEvent, origin: EventOrigin) => void;
  /** By stream: a message whose next line may belong to it. */
  readonly #open = new Map<StreamName | undefined, { text: string; line: number }>();
  #lines = 0;

  constructor(rules: OutputRules, take: (event: OutputEvent, origin: EventOrigin) => void) {
    this.#rules = rules;
    this.#take = take;
  }

  read(stream: StreamName | undefined, raw: string): void {
    const line = this.#lines++;
    const { continues } = this.#rules;
    const text = this.#rules.strip(raw);
    const open = this.#open.get(stream);
    if (open !== undefined && continues?.test(text) === true) {
      if (open.text.length < MAX_TEXT) open.text += ` ${text.trim()}`;
      return;
    }
    this.#close(stream);
    const understood = this.#rules.understand(stream, text);
    if (!understood) return;
    // How it ends may say more about what it is: it is looked at again when it is whole.
    if (continues && TEXTS.has(understood.event.type)) this.#open.set(stream, { text: text.trimEnd(), line });
    else this.#take(understood.event, { line, rule: understood.rule });
  }

  /** Nothing more comes. */
  end(): void {
    for (const stream of [...this.#open.keys()]) this.#close(stream);
  }

  #close(stream: StreamName | undefined): void {
    const open = this.#open.get(stream);
    if (open === undefined) return;
    this.#open.delete(stream);
    const understood = this.#rules.understand(stream, open.text);
    if (understood) this.#take(understood.event, { line: open.line, rule: understood.rule });
  }
}
