import { storableText } from '../../shared/domain/text.ts';
import type { Logger } from '../../shared/logging/logger.ts';

/** Trouble of this worker that people should see; each stands in every heartbeat until it is cleared. */
export class Problems {
  readonly #log: Logger;
  readonly #byKey = new Map<string, string>();
  #onChange: () => void = () => undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** @param key what it is about; a later text for the same key replaces it */
  set(key: string, text: string): void {
    if (this.#byKey.get(key) === text) return;
    if (!this.#byKey.has(key)) this.#log.warn({ problem: key }, text);
    this.#byKey.set(key, text);
    this.#onChange();
  }

  clear(key: string): void {
    if (!this.#byKey.delete(key)) return;
    this.#log.info({ problem: key }, 'the problem is over');
    this.#onChange();
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  list(): string[] {
    return [...this.#byKey.values()].slice(0, 20).map((text) => storableText(text, 500));
  }
}
