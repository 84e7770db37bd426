import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { urlHost } from '../shared/config/addresses.ts';
import type { GatewayEnvironment } from '../shared/config/environment.ts';
import { connectLedger } from '../shared/database/connect.ts';
import type { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { connectNats } from '../shared/messaging/connection.ts';
import { Access } from './auth/access.ts';
import { readFarmToken } from './auth/farm-token.ts';
import { HostRules, parseAllowedHosts } from './auth/host-rules.ts';
import { createGatewayContainer } from './container.ts';
import { TOKENS } from './tokens.ts';
import { startHealthServer } from '../shared/telemetry/health-server.ts';
import { STOP_TIMEOUT_MS as WEBHOOKS_STOP_MS } from './webhooks/webhooks.ts';
import { watchClients, watchWebhooks } from './telemetry/gateway-metrics.ts';

const PROJECT = new URL('../../', import.meta.url);

/**
 * Starts the gateway; `lifecycle` stops it.
 * @returns where it listens.
 * @throws FarmError for an unusable token file, and the listen error, e.g. EADDRINUSE.
 */
export async function startGateway(
  environment: GatewayEnvironment,
  lifecycle: Lifecycle,
  log: Logger,
): Promise<{ url: string; port: number }> {
  const farmToken = await readFarmToken(environment.FARMHAND_TOKEN_FILE, log);
  const ledger = connectLedger(environment.DATABASE_URL, log);
  lifecycle.onStop('ledger', () => ledger.destroy());
  const nats = await connectNats(
    { url: environment.NATS_URL, user: environment.NATS_USER, password: environment.NATS_PASSWORD },
    'gateway',
    'farmhand-gateway',
    log,
  );
  lifecycle.onStop('nats', () => nats.drain());

  const version = await productVersion();
  // The port is part of the cookie's name, so that it has to be known before the first request is served. Between listening
  // and the handler nothing waits: a request without a handler would never be answered.
  const server = createServer();
  server.listen(environment.FARMHAND_GATEWAY_PORT, environment.FARMHAND_GATEWAY_HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  lifecycle.onStop('http', () => {
    server.close();
    server.closeAllConnections();
  });
  const host = environment.FARMHAND_GATEWAY_HOST;
  const container = createGatewayContainer({
    environment,
    log,
    nats,
    ledger,
    access: new Access(
      farmToken,
      new HostRules(host, parseAllowedHosts(environment.FARMHAND_ALLOWED_HOSTS)),
      port,
    ),
    version,
    uiFolder: environment.FARMHAND_UI_DIR ?? fileURLToPath(new URL('ui/dist', PROJECT)),
  });
  lifecycle.onStop('s3', () => {
    container.resolve(TOKENS.s3).destroy();
    container.resolve(TOKENS.signer).destroy();
  });
  const feeds = container.resolve(TOKENS.feeds);
  const realtime = container.resolve(TOKENS.realtime);
  server.on('request', container.resolve(TOKENS.app));
  realtime.attach(server, feeds.logs);
  lifecycle.onStop('sockets', () => realtime.stop());
  feeds.start();
  const engines = container.resolve(TOKENS.engines);
  engines.start();
  lifecycle.onStop('engines’ definitions', () => engines.stop());
  const webhooks = container.resolve(TOKENS.webhooks);
  webhooks.start();
  lifecycle.onStop('webhooks', () => webhooks.stop(), WEBHOOKS_STOP_MS);
  const events = container.resolve(TOKENS.events);
  lifecycle.onStop('event streams', () => events.stop());
  const deliveries = container.resolve(TOKENS.deliveryRunner);
  deliveries.start();
  lifecycle.onStop('deliveries', () => deliveries.stop());
  watchClients(container.resolve(TOKENS.prometheus), () => realtime.clients);
  watchWebhooks(container.resolve(TOKENS.prometheus), ledger);
  const health = await startHealthServer({
    host: environment.FARMHAND_HEALTH_HOST,
    port: environment.FARMHAND_HEALTH_PORT,
    checks: container.resolve(TOKENS.healthChecks),
    metrics: container.resolve(TOKENS.prometheus),
  });
  lifecycle.onStop('the health server', () => health.stop());
  log.info({ url: health.url }, 'health and metrics are served');
  lifecycle.onStop('feeds', () => feeds.stop());
  return { url: `http://${urlHost(host)}:${port}`, port };
}

async function productVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(new URL('package.json', PROJECT), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
