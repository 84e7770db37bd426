import type { Readable, Writable } from 'node:stream';

/** What Chromium tells by itself. */
export interface CdpEvent {
  method: string;
  params: Record<string, unknown>;
  sessionId: string | undefined;
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
  sessionId?: string;
}

interface Waiting {
  method: string;
  resolve: (result: Record<string, unknown>) => void;
  reject: (error: Error) => void;
}

/** Chromium is gone; nothing more can be asked. */
export class CdpClosed extends Error {
  constructor() {
    super('Chromium has ended.');
    this.name = 'CdpClosed';
  }
}

/**
 * The Chrome DevTools Protocol over `--remote-debugging-pipe`: JSON messages, each ended by a NUL byte, to Chromium's file
 * descriptor 3 and from its 4. No port is opened that somebody else on the machine could talk to.
 * https://chromedevtools.github.io/devtools-protocol/
 */
export class CdpConnection {
  readonly #out: Writable;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: CdpEvent) => void>();
  readonly #pieces: Buffer[] = [];
  #lastId = 0;
  #closed = false;

  constructor(out: Writable, incoming: Readable) {
    this.#out = out;
    // Writing to a Chromium that has ended fails; that it has ended is seen by 'close'.
    out.on('error', () => undefined);
    incoming.on('error', () => undefined);
    incoming.on('data', (chunk: Buffer) => this.#read(chunk));
    incoming.once('close', () => this.#close());
  }

  /** Asks and waits for the answer. @throws CdpClosed, or an error with what Chromium said */
  async send(
    method: string,
    params: Record<string, unknown> = {},
    sessionId?: string,
  ): Promise<Record<string, unknown>> {
    if (this.#closed) throw new CdpClosed();
    const id = ++this.#lastId;
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject });
    });
    this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answer;
  }

  /** @returns what ends the listening */
  onEvent(listener: (event: CdpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      this.#pieces.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const text = Buffer.concat(this.#pieces.splice(0)).toString();
      this.#take(JSON.parse(text) as Message);
    }
    if (rest.length > 0) this.#pieces.push(rest);
  }

  #take({ id, method, params, result, error, sessionId }: Message): void {
    if (id === undefined) {
      const event = { method: method ?? '', params: params ?? {}, sessionId };
      for (const listener of this.#listeners) listener(event);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(`${waiting.method}: ${error.message}`));
    else waiting?.resolve(result ?? {});
  }

  #close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(new CdpClosed());
    this.#waiting.clear();
  }
}
