import { once } from 'node:events';
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** Between a client and S3: what went through is listed, and a request can be made to wait. */
export class S3Proxy {
  readonly #server: Server;
  /** `PUT /bucket/key?query`, in the order in which they came. */
  readonly requests: string[] = [];
  /** The range that each of them asked for; empty: all. */
  readonly ranges: string[] = [];
  readonly url: string;
  /** Asked before a request is passed on; it waits as long as the promise does. */
  gate: (line: string) => Promise<void> | undefined = () => undefined;
  /** The next answer that is longer is broken off after so many bytes, once. */
  breakAfter: number | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(endpoint: string): Promise<S3Proxy> {
    const { hostname, port } = new URL(endpoint);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new S3Proxy(server);
    server.on('request', (incoming, outgoing) => {
      const line = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
      proxy.requests.push(line);
      proxy.ranges.push(incoming.headers.range ?? '');
      const pass = (): void => {
        const { method, url: path, headers } = incoming;
        // The Host header stays: it is signed.
        const passed = forward({ host: hostname, port, method, path, headers }, (answer: IncomingMessage) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
          proxy.#breakOff(answer, outgoing);
          answer.pipe(outgoing);
        });
        passed.on('error', () => outgoing.destroy());
        incoming.on('error', () => passed.destroy());
        incoming.pipe(passed);
      };
      const waiting = proxy.gate(line);
      if (waiting) void waiting.then(pass);
      else pass();
    });
    return proxy;
  }

  #breakOff(answer: IncomingMessage, outgoing: ServerResponse): void {
    const most = this.breakAfter;
    if (most === undefined || Number(answer.headers['content-length']) <= most) return;
    this.breakAfter = undefined;
    let passed = 0;
    answer.on('data', (chunk: Buffer) => {
      passed += chunk.byteLength;
      if (passed > most) outgoing.destroy();
    });
  }

  /** Bytes that were sent to an object, as the parts' numbers or `whole`. */
  putsOf(sha256: string): string[] {
    return this.requests
      .filter((line) => line.startsWith('PUT') && line.includes(sha256))
      .map((line) => /[?&]partNumber=(\d+)/.exec(line)?.[1] ?? 'whole');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
