import 'reflect-metadata';
import {
  container as root,
  instanceCachingFactory,
  type DependencyContainer,
  type InjectionToken,
} from 'tsyringe';
import type { GatewayEnvironment } from '../shared/config/environment.ts';
import type { Ledger } from '../shared/database/connect.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { createS3Client, type S3Settings } from '../shared/storage/s3-client.ts';
import { bucketCheck, ledgerCheck, streamCheck } from '../shared/telemetry/health.ts';
import { STREAMS } from '../shared/messaging/streams.ts';
import type { NatsConnection } from 'nats';
import type { Access } from './auth/access.ts';
import { EventStreams } from './events/event-streams.ts';
import { DeliveryRunner } from './delivery/delivery-runner.ts';
import { DeliveryStore } from './delivery/delivery-store.ts';
import { SecretBox } from './delivery/secret-box.ts';
import { TargetStore } from './delivery/target-store.ts';
import { FailureBoard } from './failures/failure-board.ts';
import { FarmEngines } from './engines/farm-engines.ts';
import { createApp } from './http/app.ts';
import { AssetStore } from './ledger/asset-store.ts';
import { BatchQueries } from './ledger/batch-queries.ts';
import { PartUploads } from './ledger/part-uploads.ts';
import { AttemptQueries } from './ledger/attempt-queries.ts';
import { FailureQueries } from './ledger/failure-queries.ts';
import { QualityQueries } from './ledger/quality-queries.ts';
import { RootQueries } from './ledger/root-queries.ts';
import { FarmSettingsQueries } from './ledger/farm-settings-queries.ts';
import { FrameQueries } from './ledger/frame-queries.ts';
import { JobQueries } from './ledger/job-queries.ts';
import { LevelQueries } from './ledger/level-queries.ts';
import { PaceQueries } from './ledger/pace-queries.ts';
import { PreviewWishes } from './ledger/preview-wishes.ts';
import { ResultQueries } from './ledger/result-queries.ts';
import { ResultReader } from './ledger/result-reader.ts';
import { StorageQueries } from './ledger/storage-queries.ts';
import { TemplateStore } from './ledger/template-store.ts';
import { TimelineQueries } from './ledger/timeline-queries.ts';
import { BatchClient } from './messaging/batch-client.ts';
import { OverviewQueries } from './ledger/overview-queries.ts';
import { QueueQueries } from './ledger/queue-queries.ts';
import { FarmManager } from './messaging/farm-manager.ts';
import { JobController } from './messaging/job-controller.ts';
import { JobSubmitter } from './messaging/job-submitter.ts';
import { LogBuffer } from './messaging/log-buffer.ts';
import { FarmPulse } from './overview/farm-pulse.ts';
import { OverviewReader } from './overview/overview-reader.ts';
import { Feeds } from './realtime/feeds.ts';
import { RealtimeServer } from './realtime/realtime-server.ts';
import { Snapshots } from './realtime/snapshots.ts';
import { AssetPresence } from './storage/asset-presence.ts';
import { AssetVerifier } from './storage/asset-verifier.ts';
import { LogReader } from './storage/log-reader.ts';
import { ObjectStore } from './storage/object-store.ts';
import { PartStore } from './storage/part-store.ts';
import { StoredLogs } from './storage/stored-log.ts';
import { StoredScenes } from './storage/stored-scenes.ts';
import { createMetricsRegistry } from '../shared/telemetry/metrics.ts';
import { GatewayMetrics } from './telemetry/gateway-metrics.ts';
import { TOKENS } from './tokens.ts';
import { AddressRules } from './webhooks/address-rules.ts';
import { resolveBySystem } from './webhooks/receiver-address.ts';
import { Webhooks } from './webhooks/webhooks.ts';
import { WorkerBoard } from './workers/worker-board.ts';

/** What exists before the container: read, opened and owned by `main.ts`. */
export interface GatewayResources {
  environment: GatewayEnvironment;
  log: Logger;
  nats: NatsConnection;
  ledger: Ledger;
  access: Access;
  version: string;
  /** Folder of the built page. */
  uiFolder: string;
}

/** Builds the gateway's parts, each once, when it is first asked for. */
export function createGatewayContainer(resources: GatewayResources): DependencyContainer {
  const container = root.createChildContainer();
  const provide = <T>(token: InjectionToken<T>, make: () => T): void => {
    container.register(token, { useFactory: instanceCachingFactory(make) });
  };
  const get = <T>(token: InjectionToken<T>): T => container.resolve(token);
  const { environment, log, nats, ledger } = resources;

  provide(TOKENS.prometheus, createMetricsRegistry);
  provide(TOKENS.metrics, () => new GatewayMetrics(get(TOKENS.prometheus)));
  provide(TOKENS.healthChecks, () => ({
    postgres: ledgerCheck(ledger),
    jetstream: streamCheck(nats, STREAMS.status.name),
    s3: bucketCheck(get(TOKENS.s3), environment.S3_BUCKET),
  }));
  provide(TOKENS.s3, () => createS3Client(s3Settings(environment, environment.S3_ENDPOINT)));
  provide(TOKENS.signer, () => createS3Client(s3Settings(environment, publicEndpoint(environment))));
  provide(TOKENS.objects, () => new ObjectStore(get(TOKENS.s3), get(TOKENS.signer), environment.S3_BUCKET));
  provide(TOKENS.jobs, () => new JobQueries(ledger));
  provide(TOKENS.frames, () => new FrameQueries(ledger));
  provide(TOKENS.attempts, () => new AttemptQueries(ledger));
  provide(TOKENS.levels, () => new LevelQueries(ledger));
  provide(TOKENS.timeline, () => new TimelineQueries(ledger));
  provide(TOKENS.pace, () => {
    const buffer = get(TOKENS.logBuffer);
    return new PaceQueries(ledger, (jobId, taskId) => buffer.lastAt(jobId, taskId));
  });
  provide(TOKENS.reader, () => new ResultReader(ledger));
  provide(TOKENS.previews, () => new PreviewWishes(ledger, get(TOKENS.objects)));
  provide(TOKENS.results, () => new ResultQueries(get(TOKENS.reader), get(TOKENS.objects)));
  provide(TOKENS.targets, () => new TargetStore(ledger, new SecretBox(environment.AWS_SECRET_ACCESS_KEY)));
  provide(TOKENS.deliveries, () => new DeliveryStore(ledger));
  provide(TOKENS.deliveryRunner, () => {
    const [store, targets] = [get(TOKENS.deliveries), get(TOKENS.targets)];
    const farm = { endpoint: environment.S3_ENDPOINT, bucket: environment.S3_BUCKET };
    const tools = { store, targets, reader: get(TOKENS.reader), objects: get(TOKENS.objects), farm };
    return new DeliveryRunner(tools, log);
  });
  provide(TOKENS.presence, () => new AssetPresence(get(TOKENS.objects), ledger));
  provide(TOKENS.assets, () => new AssetStore(ledger, get(TOKENS.objects), get(TOKENS.presence)));
  provide(TOKENS.parts, () => {
    const parts = new PartStore(get(TOKENS.s3), get(TOKENS.signer), environment.S3_BUCKET);
    return new PartUploads(get(TOKENS.presence), parts, new AssetVerifier(get(TOKENS.objects), parts));
  });
  provide(TOKENS.scenes, () => new StoredScenes(get(TOKENS.assets), get(TOKENS.objects)));
  provide(TOKENS.templates, () => new TemplateStore(ledger));
  provide(TOKENS.batches, () => new BatchQueries(ledger));
  provide(TOKENS.batchClient, () => new BatchClient(nats));
  provide(TOKENS.logBuffer, () => new LogBuffer(nats, log));
  provide(
    TOKENS.logs,
    () => new LogReader(get(TOKENS.attempts), new StoredLogs(get(TOKENS.objects)), get(TOKENS.logBuffer)),
  );
  provide(TOKENS.workers, () => new WorkerBoard(nats, ledger, log));
  provide(TOKENS.queue, () => new QueueQueries(ledger));
  provide(TOKENS.overviewQueries, () => new OverviewQueries(ledger));
  provide(TOKENS.pulse, () => new FarmPulse(get(TOKENS.overviewQueries), get(TOKENS.workers), log));
  provide(
    TOKENS.overview,
    () => new OverviewReader(get(TOKENS.pulse), get(TOKENS.overviewQueries), get(TOKENS.workers), nats),
  );
  provide(TOKENS.submitter, () => new JobSubmitter(nats));
  provide(TOKENS.settings, () => new FarmSettingsQueries(ledger));
  provide(TOKENS.quality, () => new QualityQueries(ledger, get(TOKENS.objects)));
  provide(TOKENS.failures, () => new FailureBoard(new FailureQueries(ledger), get(TOKENS.logs)));
  provide(TOKENS.roots, () => new RootQueries(ledger));
  provide(TOKENS.storage, () => new StorageQueries(ledger));
  provide(TOKENS.manager, () => new FarmManager(nats));
  provide(TOKENS.engines, () => new FarmEngines(get(TOKENS.workers), ledger, nats, log));
  provide(TOKENS.webhooks, () => {
    const rules = new AddressRules(environment.FARMHAND_WEBHOOK_ALLOW);
    const box = new SecretBox(environment.AWS_SECRET_ACCESS_KEY);
    const { version } = resources;
    return new Webhooks({
      ledger,
      nats,
      rules,
      resolve: resolveBySystem,
      box,
      version,
      metrics: get(TOKENS.metrics),
      log,
    });
  });
  provide(TOKENS.events, () => new EventStreams(nats, log));
  provide(TOKENS.controller, () => new JobController(nats, log));
  provideRealtime(resources, provide, get);
  provide(TOKENS.app, () => buildApp(resources, get));
  return container;
}

type Provide = <T>(token: InjectionToken<T>, make: () => T) => void;
type Get = <T>(token: InjectionToken<T>) => T;

/** What pages hear while they are open. */
function provideRealtime({ nats, ledger, log, access }: GatewayResources, provide: Provide, get: Get): void {
  provide(
    TOKENS.snapshots,
    () =>
      new Snapshots(
        get(TOKENS.pulse),
        get(TOKENS.jobs),
        get(TOKENS.frames),
        get(TOKENS.workers),
        get(TOKENS.logs),
      ),
  );
  provide(TOKENS.realtime, () => new RealtimeServer(get(TOKENS.snapshots), access, get(TOKENS.metrics), log));
  provide(
    TOKENS.feeds,
    () =>
      new Feeds({
        nats,
        ledger,
        log,
        frames: get(TOKENS.frames),
        attempts: get(TOKENS.attempts),
        buffer: get(TOKENS.logBuffer),
        workers: get(TOKENS.workers),
        pulse: get(TOKENS.pulse),
        realtime: get(TOKENS.realtime),
      }),
  );
}

function buildApp(resources: GatewayResources, get: Get) {
  const { environment, log, access, version, uiFolder } = resources;
  return createApp(
    {
      access,
      log,
      jobs: get(TOKENS.jobs),
      frames: get(TOKENS.frames),
      attempts: get(TOKENS.attempts),
      levels: get(TOKENS.levels),
      pace: get(TOKENS.pace),
      timeline: get(TOKENS.timeline),
      reader: get(TOKENS.reader),
      previews: get(TOKENS.previews),
      results: get(TOKENS.results),
      targets: get(TOKENS.targets),
      deliveries: get(TOKENS.deliveries),
      deliveryRunner: get(TOKENS.deliveryRunner),
      logs: get(TOKENS.logs),
      assets: get(TOKENS.assets),
      parts: get(TOKENS.parts),
      scenes: get(TOKENS.scenes),
      templates: get(TOKENS.templates),
      batches: get(TOKENS.batches),
      batchClient: get(TOKENS.batchClient),
      workers: get(TOKENS.workers),
      overview: get(TOKENS.overview),
      queue: get(TOKENS.queue),
      objects: get(TOKENS.objects),
      submitter: get(TOKENS.submitter),
      controller: get(TOKENS.controller),
      settings: get(TOKENS.settings),
      quality: get(TOKENS.quality),
      failures: get(TOKENS.failures),
      roots: get(TOKENS.roots),
      storage: get(TOKENS.storage),
      manager: get(TOKENS.manager),
      engines: get(TOKENS.engines),
      webhooks: get(TOKENS.webhooks),
      events: get(TOKENS.events),
      checks: get(TOKENS.healthChecks),
      metrics: get(TOKENS.metrics),
    },
    { objectStoreUrl: publicEndpoint(environment), version, uiFolder },
  );
}

function publicEndpoint(environment: GatewayEnvironment): string {
  return environment.FARMHAND_S3_PUBLIC_ENDPOINT ?? environment.S3_ENDPOINT;
}

function s3Settings(environment: GatewayEnvironment, endpoint: string): S3Settings {
  return {
    endpoint,
    bucket: environment.S3_BUCKET,
    region: environment.AWS_REGION,
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  };
}
