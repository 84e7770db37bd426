import { gatewayEnvironment, readEnvironment } from '../shared/config/environment.ts';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { startGateway } from './gateway.ts';

/** `node src/gateway/main.ts`: serves the HTTP API, the sockets and the page until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const environment = readEnvironment(gatewayEnvironment, process.env);
  const log = createLogger('gateway', environment.FARMHAND_LOG_LEVEL);
  const lifecycle = new Lifecycle(log);
  lifecycle.installSignalHandlers();
  const { url } = await startGateway(environment, lifecycle, log);
  log.info({ url }, 'the gateway listens');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`gateway: ${error instanceof FarmError ? error.message : messageOf(error)}\n`);
  process.exit(1);
}
