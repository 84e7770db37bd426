import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** What happens to bytes on the link. */
export type LinkState =
  | 'open'
  | 'cut' // connections are reset and new ones refused at once
  | 'hole'; // nothing gets through and nobody is told

/** A link between a client and a server that a test can cut. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<[Socket, Socket]>();
  #state: LinkState = 'open';

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free loopback port and passes bytes on to the host and port of `url`. */
  static async start(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The same URL through the proxy. */
  through(url: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy does not listen.');
    const changed = new URL(url);
    changed.host = `127.0.0.1:${address.port}`;
    return changed.href.replace(/\/$/, '');
  }

  set(state: LinkState): void {
    this.#state = state;
    for (const pair of this.#pairs) {
      if (state === 'cut') for (const socket of pair) socket.resetAndDestroy();
      else this.#flow(pair);
    }
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target);
    const pair: [Socket, Socket] = [client, server];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client]] as const) {
      from.on('data', (chunk) => void to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
    this.#flow(pair);
  }

  #flow(pair: [Socket, Socket]): void {
    for (const socket of pair) {
      if (this.#state === 'hole') socket.pause();
      else socket.resume();
    }
  }
}
