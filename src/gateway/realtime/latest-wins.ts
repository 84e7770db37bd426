/** The newest word on each of many things, with the number of the patch in which it was first told. Oldest news first. */
export class LatestWins<V> {
  readonly #entries = new Map<string, { seq: number; value: V }>();

  get size(): number {
    return this.#entries.size;
  }

  set(key: string, value: V, seq: number): void {
    // Put in anew, so that the map stays in the order of the numbers.
    this.#entries.delete(key);
    this.#entries.set(key, { seq, value });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** What was told after patch `seq`. */
  since(seq: number): V[] {
    const news: V[] = [];
    for (const entry of this.#entries.values()) if (entry.seq > seq) news.push(entry.value);
    return news;
  }

  /** Forgets the oldest until `most` are left. @returns the number of the last patch of which something was forgotten, or 0 */
  trim(most: number): number {
    let forgotten = 0;
    for (const [key, { seq }] of this.#entries) {
      if (this.#entries.size <= most) break;
      this.#entries.delete(key);
      forgotten = seq;
    }
    return forgotten;
  }
}
