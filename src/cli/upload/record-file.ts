import { appendFile, chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** More is not worth reading at each start. */
const MOST_RECORDS = 200_000;

/**
 * What may be forgotten, kept in a file of JSON lines `[key, value]`, of which the last one counts. Several processes may
 * add to it at once; what cannot be read, after a power cut for instance, is as if it had never been written.
 */
export class RecordFile<V> {
  readonly #path: string;
  readonly #parse: (value: unknown) => V | undefined;
  readonly #records = new Map<string, V>();
  #added: string[] = [];
  #lines = 0;

  /** @param parse gives undefined for what is no such value. */
  constructor(path: string, parse: (value: unknown) => V | undefined) {
    this.#path = path;
    this.#parse = parse;
  }

  async load(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    for (const line of text.split('\n')) this.#take(line);
  }

  get(key: string): V | undefined {
    return this.#records.get(key);
  }

  set(key: string, value: V): void {
    this.#records.set(key, value);
    this.#added.push(JSON.stringify([key, value]));
  }

  forget(key: string): void {
    this.#records.delete(key);
    this.#added.push(JSON.stringify([key, null]));
  }

  /** Only the one whom the files belong to may read what they hash to. */
  async save(): Promise<void> {
    const added = this.#added.splice(0);
    if (added.length === 0) return;
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (this.#lines + added.length > MOST_RECORDS) {
      await this.#rewrite();
      return;
    }
    await appendFile(this.#path, `${added.join('\n')}\n`, { mode: 0o600 });
    await chmod(this.#path, 0o600);
    this.#lines += added.length;
  }

  async #rewrite(): Promise<void> {
    const kept = [...this.#records].slice(-MOST_RECORDS / 2);
    const draft = `${this.#path}.${process.pid}`;
    const lines = kept.map((record) => `${JSON.stringify(record)}\n`);
    await writeFile(draft, lines.join(''), { mode: 0o600 });
    await rename(draft, this.#path);
    this.#lines = kept.length;
  }

  #take(line: string): void {
    if (line === '') return;
    this.#lines++;
    const record = parseLine(line);
    if (!Array.isArray(record) || typeof record[0] !== 'string') return;
    const value = this.#parse(record[1]);
    this.#records.delete(record[0]);
    if (value !== undefined) this.#records.set(record[0], value);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // half a line
  }
}
