import { open, rm, type FileHandle } from 'node:fs/promises';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';

const FLUSH_MS = 200;
const MAX_PIECE_BYTES = 65_536;
export const MAX_LOG_BYTES = 67_108_864;

export interface AttemptLogOptions {
  /** Folder in which the log is gathered until the attempt ends; asked for with the first line. */
  folder: () => Promise<string>;
  /** Takes a piece for those who watch: text and the byte at which it begins. */
  publish: (offset: number, text: string) => void;
  maxBytes?: number;
}

/** What one attempt's engine printed: told live in pieces, and gathered on disk to be stored whole at the end. */
export class AttemptLog {
  readonly #options: AttemptLogOptions;
  readonly #maxBytes: number;
  #pieces: string[] = [];
  #pieceBytes = 0;
  #offset = 0;
  #timer: NodeJS.Timeout | undefined;
  #handle: Promise<FileHandle> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;
  #full = false;

  constructor(options: AttemptLogOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? MAX_LOG_BYTES;
  }

  /** Bytes logged so far. */
  get bytes(): number {
    return this.#offset + this.#pieceBytes;
  }

  line(text: string): void {
    if (this.#full) return;
    const size = Buffer.byteLength(text) + 1;
    if (this.bytes + size > this.#maxBytes) {
      this.#full = true;
      this.#add(
        `[farmhand] The log is cut here: it has reached ${Math.round(this.#maxBytes / 1_048_576)} MiB.`,
      );
      return;
    }
    this.#add(text);
  }

  /** Writes everything down and compresses it. @returns the compressed file, or null when nothing was logged. */
  async finish(): Promise<string | null> {
    this.#flush();
    await this.#writing;
    await (await this.#handle)?.close();
    if (this.#failure !== undefined)
      throw new Error('The log could not be written down.', { cause: this.#failure });
    if (this.#offset === 0) return null;
    const file = await this.#file();
    const compressed = `${file}.zst`;
    await pipeline(
      createReadStream(file),
      createZstdCompress(),
      createWriteStream(compressed, { mode: 0o600 }),
    );
    await rm(file);
    return compressed;
  }

  #add(text: string): void {
    this.#pieces.push(text);
    this.#pieceBytes += Buffer.byteLength(text) + 1;
    if (this.#pieceBytes >= MAX_PIECE_BYTES / 2) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pieces.length === 0) return;
    const text = `${this.#pieces.join('\n')}\n`;
    this.#options.publish(this.#offset, text);
    this.#offset += this.#pieceBytes;
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#writing = this.#writing.then(() => this.#write(text));
  }

  async #file(): Promise<string> {
    return join(await this.#options.folder(), 'attempt.log');
  }

  /** A disk that is full must not end a render: the reason is told when the log is finished. */
  async #write(text: string): Promise<void> {
    try {
      this.#handle ??= this.#file().then((file) => open(file, 'a', 0o600));
      await (await this.#handle).write(text);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}
