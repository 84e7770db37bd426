import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { urlHost } from '../config/addresses.ts';
import { messageOf } from '../domain/errors.ts';
import { checkHealth, type HealthCheck } from './health.ts';

export interface HealthServer {
  /** Where it listens; the port that was given when 0 was asked for. */
  url: string;
  port: number;
  stop: () => Promise<void>;
}

/**
 * `/livez` (the event loop turns), `/readyz` (every check passes, with reasons) and `/metrics`, on a port of their own:
 * they ask for no token, so that they are not to be reached from everywhere.
 * @throws the listen error, e.g. EADDRINUSE.
 */
export async function startHealthServer(options: {
  host: string;
  port: number;
  checks: Readonly<Record<string, HealthCheck>>;
  /** Served on `/metrics` in Prometheus's text format. */
  metrics: Registry;
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
    } else if (path === '/metrics') void sendMetrics(options.metrics, response);
    else send(404, { ok: false, checks: { path: 'only /livez, /readyz and /metrics are here' } });
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

async function sendMetrics(metrics: Registry, response: ServerResponse): Promise<void> {
  try {
    const text = await metrics.metrics();
    response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' });
    response.end(text);
  } catch (error) {
    // Some are asked of the ledger, which may be away.
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`The metrics cannot be collected: ${messageOf(error)}\n`);
  }
}
