import { readEnvironment, coordinatorEnvironment } from '../shared/config/environment.ts';
import { connectLedger } from '../shared/database/connect.ts';
import { messageOf } from '../shared/domain/errors.ts';
import { newId } from '../shared/domain/new-id.ts';
import { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { connectNats } from '../shared/messaging/connection.ts';
import { createS3Client } from '../shared/storage/s3-client.ts';
import { createContainer } from './container.ts';
import { startCoordinator } from './coordinator.ts';

async function main(): Promise<void> {
  const environment = readEnvironment(coordinatorEnvironment, process.env);
  const log = createLogger('coordinator', environment.FARMHAND_LOG_LEVEL);
  const lifecycle = new Lifecycle(log);
  lifecycle.installSignalHandlers();
  const coordinatorId = newId('c');
  const nats = await connectNats(
    { url: environment.NATS_URL, user: environment.NATS_USER, password: environment.NATS_PASSWORD },
    'coordinator',
    `coordinator ${coordinatorId}`,
    log,
  );
  const parts = createContainer({
    log,
    environment,
    coordinatorId,
    ledger: connectLedger(environment.DATABASE_URL, log),
    nats,
    s3: createS3Client({
      endpoint: environment.S3_ENDPOINT,
      bucket: environment.S3_BUCKET,
      region: environment.AWS_REGION,
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    }),
  });
  await startCoordinator(parts, lifecycle);
  log.info({ coordinatorId }, 'the coordinator is ready');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`The coordinator cannot start: ${messageOf(error)}\n`);
  process.exit(1);
}
