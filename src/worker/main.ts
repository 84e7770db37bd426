import { readEnvironment, workerEnvironment, type WorkerEnvironment } from '../shared/config/environment.ts';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { connectNats } from '../shared/messaging/connection.ts';
import { createS3Client } from '../shared/storage/s3-client.ts';
import { createContainer } from './container.ts';
import type { Engine } from './engines/engine.ts';
import { ENGINES } from './engines/index.ts';
import { compileSettings } from './settings.ts';
import { TOKENS } from './tokens.ts';
import { claimWorkerFolder } from './worker-folder.ts';
import type { Worker } from './worker.ts';

/** Stopping may take the drain, then this long for engines, reports and connections. */
const STOP_EXTRA_MS = 20_000;

async function main(): Promise<void> {
  const environment = readEnvironment(workerEnvironment, process.env);
  const engineList = chosenEngines(environment);
  const folder = claimWorkerFolder(environment.FARMHAND_WORKER_DIR);
  const settings = compileSettings(environment, folder);
  const log = createLogger('worker', environment.FARMHAND_LOG_LEVEL).child({ workerId: settings.workerId });
  const lifecycle = new Lifecycle(log);
  lifecycle.installSignalHandlers();
  lifecycle.onStop('folder', folder.release);
  const nats = await connectNats(
    { url: environment.NATS_URL, user: environment.NATS_USER, password: environment.NATS_PASSWORD },
    'worker',
    `worker ${settings.workerId}`,
    log,
  );
  lifecycle.onStop('connection', () => nats.drain());
  const s3 = createS3Client({
    endpoint: environment.S3_ENDPOINT,
    bucket: environment.S3_BUCKET,
    region: environment.AWS_REGION,
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  });
  const parts = createContainer({
    log,
    settings,
    nats,
    s3,
    bucket: environment.S3_BUCKET,
    engineList,
    programsFolder: environment.FARMHAND_CACHE,
  });
  const worker = parts.resolve<Worker>(TOKENS.worker);
  lifecycle.onStop('worker', () => worker.stop(), settings.drainSeconds * 1_000 + STOP_EXTRA_MS);
  process.on('SIGHUP', () => void worker.detectAgain());
  await worker.start();
}

/** @throws FarmError `invalid` for a name that is no engine */
function chosenEngines(environment: WorkerEnvironment): readonly Engine[] {
  const names = environment.FARMHAND_ENGINES?.split(',').map((name) => name.trim());
  if (!names) return ENGINES;
  const known = ENGINES.map(({ id }) => id);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new FarmError(
      'invalid',
      `FARMHAND_ENGINES names "${unknown}"; the engines are ${known.join(', ')}.`,
    );
  }
  return ENGINES.filter(({ id }) => names.includes(id));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`The worker cannot start: ${messageOf(error)}\n`);
  process.exit(1);
}
