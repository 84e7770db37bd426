import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';

/** Gives every listener of a home a port and remembers it, so that addresses stay the same over restarts. */
export class PortBook {
  readonly #file: string | undefined;
  readonly #remembered: Record<string, number>;
  /** What this process has handed out. A server that is started again gets its port again, asked or not: others know it. */
  readonly #handedOut = new Map<string, number>();

  /** @param file where the ports are kept; without one nothing is remembered. */
  constructor(file?: string) {
    this.#file = file;
    this.#remembered = file === undefined ? {} : readBook(file);
  }

  /**
   * The remembered port of `name` when it is still free on `host`, else `preferred` when that is, else a free one.
   * @param options.companionOffset for a program that also listens on the port this much further up, unasked.
   */
  async take(
    name: string,
    host = '127.0.0.1',
    options: { preferred?: number; companionOffset?: number } = {},
  ): Promise<number> {
    const given = this.#handedOut.get(name);
    if (given !== undefined) return given;
    const offset = options.companionOffset ?? 0;
    for (const port of [this.#remembered[name], options.preferred])
      if (port !== undefined && (await this.#isUsable(port, host, offset))) return this.#keep(name, port);
    for (;;) {
      const port = (await freePort(host)) - offset;
      if (await this.#isUsable(port, host, offset)) return this.#keep(name, port);
    }
  }

  /** Takes a port that a person asked for. @throws FarmError `unavailable` when something else listens there. */
  async takeExactly(name: string, port: number, host: string): Promise<number> {
    if (this.#handedOut.get(name) === port || (await isPortFree(port, host))) return this.#keep(name, port);
    throw new FarmError('unavailable', `Port ${port} on ${host} is in use; give another one with --port.`);
  }

  /**
   * Runs a first start again with other ports when somebody took one between looking and listening.
   * A later start of the same server is not tried again here: its address must stay.
   */
  async startWithFreePorts<T>(name: string, start: () => Promise<T>): Promise<T> {
    const isRestart = this.#handedOut.has(name);
    for (let tries = 1; ; tries++) {
      const before = new Set(this.#handedOut.keys());
      try {
        return await start();
      } catch (error) {
        if (isRestart || tries === 3 || !/address already in use|in use/i.test(messageOf(error))) throw error;
        for (const taken of this.#handedOut.keys()) if (!before.has(taken)) this.#handedOut.delete(taken);
      }
    }
  }

  async #isUsable(port: number, host: string, offset: number): Promise<boolean> {
    const taken = new Set(this.#handedOut.values());
    const wanted = offset === 0 ? [port] : [port, port + offset];
    for (const each of wanted) if (taken.has(each) || !(await isPortFree(each, host))) return false;
    return true;
  }

  #keep(name: string, port: number): number {
    this.#handedOut.set(name, port);
    this.#remembered[name] = port;
    if (this.#file !== undefined) writeFileSync(this.#file, `${JSON.stringify(this.#remembered, null, 2)}\n`);
    return port;
  }
}

function readBook(file: string): Record<string, number> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as Record<string, number>;
  } catch (error) {
    throw new FarmError('invalid', `${file} is not JSON (${messageOf(error)}); remove it.`, { cause: error });
  }
}

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

async function isPortFree(port: number, host: string): Promise<boolean> {
  try {
    await listenOnce(port, host);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw cannotListen(host, error);
  }
}

/** @throws FarmError `invalid` when this machine has no such address. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  try {
    return await listenOnce(0, host);
  } catch (error) {
    throw cannotListen(host, error);
  }
}

function cannotListen(host: string, error: unknown): FarmError {
  return new FarmError('invalid', `This machine cannot listen on ${host} (${messageOf(error)}).`, {
    cause: error,
  });
}
