import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';

/** Gives every listener of a home a port and remembers it, so that addresses stay the same over restarts. */
export class PortBook {
  readonly #file: string | undefined;
  readonly #remembered: Record<string, number>;
  readonly #taken = new Set<number>();

  /** @param file where the ports are kept; without one nothing is remembered. */
  constructor(file?: string) {
    this.#file = file;
    this.#remembered = file === undefined ? {} : readBook(file);
  }

  /**
   * The remembered port of `name` when it is still free on `host`, else a free one.
   * @param companionOffset for a program that also listens on the port this much further up, unasked.
   */
  async take(name: string, host = '127.0.0.1', companionOffset = 0): Promise<number> {
    const remembered = this.#remembered[name];
    if (remembered !== undefined && (await this.#isUsable(remembered, host, companionOffset)))
      return this.#keep(name, remembered);
    for (;;) {
      const port = (await freePort(host)) - companionOffset;
      if (await this.#isUsable(port, host, companionOffset)) return this.#keep(name, port);
    }
  }

  async #isUsable(port: number, host: string, companionOffset: number): Promise<boolean> {
    const wanted = companionOffset === 0 ? [port] : [port, port + companionOffset];
    for (const each of wanted) if (this.#taken.has(each) || !(await isPortFree(each, host))) return false;
    return true;
  }

  /** Takes a port that a person asked for. @throws FarmError `unavailable` when something else listens there. */
  async takeExactly(name: string, port: number, host: string): Promise<number> {
    if (await isPortFree(port, host)) return this.#keep(name, port);
    throw new FarmError('unavailable', `Port ${port} on ${host} is in use; give another one with --port.`);
  }

  #keep(name: string, port: number): number {
    this.#taken.add(port);
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
