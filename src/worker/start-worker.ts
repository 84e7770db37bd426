import { readEnvironment, workerEnvironment, type Environment } from '../shared/config/environment.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { connectNats } from '../shared/messaging/connection.ts';
import { createS3Client } from '../shared/storage/s3-client.ts';
import { createContainer } from './container.ts';
import type { Engine } from './engines/engine.ts';
import { compileSettings, type WorkerSettings } from './settings.ts';
import { TOKENS } from './tokens.ts';
import { claimWorkerFolder } from './worker-folder.ts';
import type { Worker } from './worker.ts';
import type { Registry } from 'prom-client';
import { startHealthServer } from '../shared/telemetry/health-server.ts';
import type { AttemptRegistry } from './execution/attempt-registry.ts';
import { watchSlots } from './telemetry/worker-metrics.ts';
import { detectGpus } from './hardware/gpus.ts';

/** Stopping may take the drain, then this long for engines, reports and connections. */
const STOP_EXTRA_MS = 20_000;

/**
 * Runs a worker in this process until a signal ends it.
 * @param engines those that it knows how to run
 * @throws FarmError when the environment or the worker folder cannot be used
 */
export async function startWorker(variables: Environment, engines: readonly Engine[]): Promise<void> {
  const environment = readEnvironment(workerEnvironment, variables);
  const folder = claimWorkerFolder(environment.FARMHAND_WORKER_DIR);
  const settings = compileSettings(environment, folder);
  const engineList = chosenEngines(settings, engines);
  const log = createLogger('worker', environment.FARMHAND_LOG_LEVEL).child({ workerId: settings.workerId });
  const { downloadBytesPerSecond } = settings;
  if (downloadBytesPerSecond !== null) log.info({ downloadBytesPerSecond }, 'downloads are limited');
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
    gpus: await detectGpus(log),
  });
  const worker = parts.resolve<Worker>(TOKENS.worker);
  lifecycle.onStop('worker', () => worker.stop(), settings.drainSeconds * 1_000 + STOP_EXTRA_MS);
  const prometheus = parts.resolve<Registry>(TOKENS.prometheus);
  const attempts = parts.resolve<AttemptRegistry>(TOKENS.registry);
  watchSlots(prometheus, () => ({
    busy: attempts.all().reduce((sum, attempt) => sum + attempt.task.slots, 0),
    total: settings.slots,
  }));
  const health = await startHealthServer({
    host: environment.FARMHAND_HEALTH_HOST,
    port: environment.FARMHAND_HEALTH_PORT,
    checks: {
      nats: () => nats.rtt(),
    },
    metrics: prometheus,
  });
  lifecycle.onStop('the health server', () => health.stop());
  log.info({ url: health.url }, 'health and metrics are served');
  // Drained, it ends as on a signal; whatever started it decides whether it begins anew.
  worker.onDrained(() => process.kill(process.pid, 'SIGTERM'));
  process.on('SIGHUP', () => void worker.detectAgain());
  await worker.start();
}

/** @throws FarmError `invalid` for a name that is no engine, where the farm cannot bring one of that name */
function chosenEngines(
  { onlyEngines, pushedEngines }: WorkerSettings,
  engines: readonly Engine[],
): readonly Engine[] {
  if (!onlyEngines) return engines;
  const known = engines.map(({ id }) => id);
  const unknown = onlyEngines.find((name) => !known.includes(name));
  if (unknown !== undefined && !pushedEngines) {
    throw new FarmError(
      'invalid',
      `FARMHAND_ENGINES names "${unknown}"; the engines are ${known.join(', ')}.`,
    );
  }
  return engines.filter(({ id }) => onlyEngines.includes(id));
}
