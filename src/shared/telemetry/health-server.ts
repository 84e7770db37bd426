import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { urlHost } from '../config/addresses.ts';
import { checkHealth, type HealthCheck } from './health.ts';

export interface HealthServer {
  /** Where it listens; the port that was given when 0 was asked for. */
  url: string;
  port: number;
  stop: () => Promise<void>;
}

/**
 * `/livez` (the event loop turns) and `/readyz` (every check passes, with reasons) for a process without an HTTP API.
 * @throws the listen error, e.g. EADDRINUSE.
 */
export async function startHealthServer(options: {
  host: string;
  port: number;
  checks: Readonly<Record<string, HealthCheck>>;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const path = request.url?.split('?')[0];
    if (path === '/livez') send(200, { ok: true, checks: {} });
    else if (path === '/readyz') {
      void checkHealth(options.checks).then((health) => send(health.ok ? 200 : 503, health));
    } else send(404, { ok: false, checks: { path: 'only /livez and /readyz are here' } });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(options.host)}:${port}`,
    port,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
