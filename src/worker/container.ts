import 'reflect-metadata';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { container, instanceCachingFactory, type DependencyContainer } from 'tsyringe';
import type { StorageRoot } from '../shared/contracts/storage-roots.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { FileCache } from './assets/file-cache.ts';
import { DownloadLimit } from './download-limit.ts';
import type { Engine } from './engines/engine.ts';
import { PushedEngines } from './engines/pushed-engines.ts';
import { EngineRegistry } from './engines/engine-registry.ts';
import { AttemptRegistry } from './execution/attempt-registry.ts';
import { Readoption } from './execution/readoption.ts';
import { TaskAcks } from './execution/task-acks.ts';
import { TaskIntake } from './execution/task-intake.ts';
import { TaskRunner } from './execution/task-runner.ts';
import { ObjectStore } from './object-store.ts';
import { DiskWatch } from './reporting/disk-watch.ts';
import { FarmAsks } from './reporting/farm-asks.ts';
import { FarmLink } from './reporting/farm-link.ts';
import { FileLooker } from './results/looking/file-looker.ts';
import { Problems } from './reporting/problems.ts';
import { StatusOutbox } from './reporting/status-outbox.ts';
import { SessionPool } from './sessions/session-pool.ts';
import type { WorkerSettings } from './settings.ts';
import { createMetricsRegistry } from '../shared/telemetry/metrics.ts';
import { WorkerMetrics } from './telemetry/worker-metrics.ts';
import { StorageRoots } from './roots/storage-roots.ts';
import { platform } from './platform/platform.ts';
import { PreviewHelper } from './previews/preview-helper.ts';
import { PreviewMaker } from './previews/preview-maker.ts';
import { TOKENS } from './tokens.ts';
import { Worker } from './worker.ts';
import { Prefetcher } from './execution/prefetcher.ts';
import { GpuSlots, type Gpu } from './hardware/gpus.ts';

const PUBLISH_TIMEOUT_MS = 5_000;
/** Sessions that stay open beyond those that the slots use. */
const SPARE_SESSIONS = 2;

/** What a worker is made of that comes from outside. */
export interface Infrastructure {
  log: Logger;
  settings: WorkerSettings;
  nats: NatsConnection;
  s3: S3Client;
  bucket: string;
  engineList: readonly Engine[];
  /** Folder where `engines install` puts programs. */
  programsFolder: string | undefined;
  gpus: readonly Gpu[];
}

/** A container of its own for one worker; every part is made once, when it is first asked for. */
export function createContainer(infrastructure: Infrastructure): DependencyContainer {
  const child = container.createChildContainer();
  registerStorage(child, infrastructure);
  registerReporting(child, infrastructure);
  registerPreviews(child, infrastructure);
  registerExecution(child, infrastructure);
  registerWorker(child, infrastructure);
  return child;
}

function provide(to: DependencyContainer, token: symbol, make: (from: DependencyContainer) => unknown): void {
  to.register(token, { useFactory: instanceCachingFactory(make) });
}

function registerStorage(to: DependencyContainer, { log, settings, s3, bucket }: Infrastructure): void {
  provide(to, TOKENS.prometheus, createMetricsRegistry);
  provide(to, TOKENS.metrics, (from) => new WorkerMetrics(from.resolve(TOKENS.prometheus)));
  provide(to, TOKENS.problems, () => new Problems(log));
  provide(
    to,
    TOKENS.disk,
    (from) =>
      new DiskWatch(settings.attemptsFolder, settings.minFreeDiskBytes, from.resolve(TOKENS.problems)),
  );
  provide(
    to,
    TOKENS.store,
    (from) =>
      new ObjectStore(
        s3,
        bucket,
        from.resolve(TOKENS.problems),
        from.resolve(TOKENS.metrics),
        log,
        new DownloadLimit(settings.downloadBytesPerSecond),
      ),
  );
  provide(
    to,
    TOKENS.cache,
    (from) =>
      new FileCache(
        settings.cacheFolder,
        from.resolve(TOKENS.store),
        settings.cacheBudgetBytes,
        from.resolve(TOKENS.metrics),
      ),
  );
  provide(to, TOKENS.pool, (from) => {
    const options = {
      folder: settings.sessionsFolder,
      slots: settings.slots,
      maxSessions: settings.slots + SPARE_SESSIONS,
      maxBytes: settings.sessionMemoryBytes,
    };
    return new SessionPool(options, from.resolve(TOKENS.cache), from.resolve(TOKENS.metrics), log);
  });
}

function registerReporting(to: DependencyContainer, { log, settings, nats }: Infrastructure): void {
  provide(to, TOKENS.link, () => new FarmLink(nats));
  provide(to, TOKENS.outbox, () => {
    const stream = jetstream(nats);
    return new StatusOutbox(async (subject, body, msgID) => {
      await stream.publish(subject, body, { msgID, timeout: PUBLISH_TIMEOUT_MS });
    }, log);
  });
  provide(to, TOKENS.asks, () => new FarmAsks(nats, settings.workerId, log));
  provide(to, TOKENS.roots, (from) => {
    const asks = from.resolve<FarmAsks>(TOKENS.asks);
    const ask = async (signal: AbortSignal): Promise<StorageRoot[]> => (await asks.roots(signal)).roots;
    const { roots: overrides } = settings;
    const { rootSystems: systems } = platform;
    return new StorageRoots({ ask, overrides, systems, problems: from.resolve(TOKENS.problems), log });
  });
}

function registerPreviews(to: DependencyContainer, { log, settings }: Infrastructure): void {
  const folder = join(settings.sessionsFolder, 'previews');
  provide(to, TOKENS.previewHelper, () => new PreviewHelper(join(folder, 'helper')));
  provide(
    to,
    TOKENS.previews,
    (from) =>
      new PreviewMaker({
        folder,
        asks: from.resolve(TOKENS.asks),
        store: from.resolve(TOKENS.store),
        helper: from.resolve(TOKENS.previewHelper),
        ffmpeg: () => from.resolve<EngineRegistry>(TOKENS.engines).programOf('ffmpeg'),
        log,
      }),
  );
}

function registerExecution(
  to: DependencyContainer,
  { log, settings, nats, engineList, programsFolder, gpus }: Infrastructure,
): void {
  const identity = { workerId: settings.workerId, instance: settings.instance };
  provide(to, TOKENS.registry, () => new AttemptRegistry());
  provide(to, TOKENS.engines, () => new EngineRegistry(engineList, programsFolder, log));
  provide(to, TOKENS.acks, (from) => {
    const link = from.resolve<FarmLink>(TOKENS.link);
    return new TaskAcks(nats, () => link.isConnected, log);
  });
  provide(
    to,
    TOKENS.readoption,
    (from) => new Readoption(from.resolve(TOKENS.registry), from.resolve(TOKENS.asks), identity, log),
  );
  provide(to, TOKENS.runner, (from) => {
    const link = from.resolve<FarmLink>(TOKENS.link);
    return new TaskRunner({
      identity,
      folder: settings.attemptsFolder,
      registry: from.resolve(TOKENS.registry),
      engines: from.resolve(TOKENS.engines),
      pool: from.resolve(TOKENS.pool),
      store: from.resolve(TOKENS.store),
      looker: new FileLooker(settings.slots),
      outbox: from.resolve(TOKENS.outbox),
      asks: from.resolve(TOKENS.asks),
      acks: from.resolve(TOKENS.acks),
      previewHelper: from.resolve(TOKENS.previewHelper),
      publishLive: (subject, body) => link.publishLive(subject, body),
      disk: from.resolve(TOKENS.disk),
      metrics: from.resolve(TOKENS.metrics),
      settings,
      gpus: new GpuSlots(gpus.length),
      roots: from.resolve(TOKENS.roots),
      log,
    });
  });
  provide(to, TOKENS.intake, (from) => {
    return new TaskIntake({
      identity,
      registry: from.resolve(TOKENS.registry),
      engines: from.resolve(TOKENS.engines),
      outbox: from.resolve(TOKENS.outbox),
      log,
    });
  });
}

function registerWorker(to: DependencyContainer, { log, settings, nats, gpus }: Infrastructure): void {
  provide(
    to,
    TOKENS.worker,
    (from) =>
      new Worker({
        settings,
        log,
        nats,
        link: from.resolve(TOKENS.link),
        engines: from.resolve(TOKENS.engines),
        pushed: settings.pushedEngines
          ? new PushedEngines({
              connection: nats,
              engines: from.resolve(TOKENS.engines),
              problems: from.resolve(TOKENS.problems),
              only: settings.onlyEngines,
              log,
            })
          : null,
        cache: from.resolve(TOKENS.cache),
        pool: from.resolve(TOKENS.pool),
        registry: from.resolve(TOKENS.registry),
        intake: from.resolve(TOKENS.intake),
        outbox: from.resolve(TOKENS.outbox),
        readoption: from.resolve(TOKENS.readoption),
        problems: from.resolve(TOKENS.problems),
        disk: from.resolve(TOKENS.disk),
        runner: from.resolve(TOKENS.runner),
        prefetcher: new Prefetcher(from.resolve(TOKENS.cache), log),
        acks: from.resolve(TOKENS.acks),
        previews: from.resolve(TOKENS.previews),
        gpus,
        roots: from.resolve(TOKENS.roots),
      }),
  );
}
