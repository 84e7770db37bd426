import type { S3Client } from '@aws-sdk/client-s3';
import type { Express } from 'express';
import type { Registry } from 'prom-client';
import type { InjectionToken } from 'tsyringe';
import type { EventStreams } from './events/event-streams.ts';
import type { DeliveryRunner } from './delivery/delivery-runner.ts';
import type { DeliveryStore } from './delivery/delivery-store.ts';
import type { TargetStore } from './delivery/target-store.ts';
import type { FailureBoard } from './failures/failure-board.ts';
import type { FarmEngines } from './engines/farm-engines.ts';
import type { AssetStore } from './ledger/asset-store.ts';
import type { BatchQueries } from './ledger/batch-queries.ts';
import type { PartUploads } from './ledger/part-uploads.ts';
import type { AttemptQueries } from './ledger/attempt-queries.ts';
import type { QualityQueries } from './ledger/quality-queries.ts';
import type { RootQueries } from './ledger/root-queries.ts';
import type { FarmSettingsQueries } from './ledger/farm-settings-queries.ts';
import type { FrameQueries } from './ledger/frame-queries.ts';
import type { JobQueries } from './ledger/job-queries.ts';
import type { LevelQueries } from './ledger/level-queries.ts';
import type { PaceQueries } from './ledger/pace-queries.ts';
import type { PreviewWishes } from './ledger/preview-wishes.ts';
import type { ResultQueries } from './ledger/result-queries.ts';
import type { ResultReader } from './ledger/result-reader.ts';
import type { TemplateStore } from './ledger/template-store.ts';
import type { TimelineQueries } from './ledger/timeline-queries.ts';
import type { BatchClient } from './messaging/batch-client.ts';
import type { FarmManager } from './messaging/farm-manager.ts';
import type { JobController } from './messaging/job-controller.ts';
import type { JobSubmitter } from './messaging/job-submitter.ts';
import type { LogBuffer } from './messaging/log-buffer.ts';
import type { Feeds } from './realtime/feeds.ts';
import type { RealtimeServer } from './realtime/realtime-server.ts';
import type { StorageQueries } from './ledger/storage-queries.ts';
import type { Snapshots } from './realtime/snapshots.ts';
import type { LogReader } from './storage/log-reader.ts';
import type { AssetPresence } from './storage/asset-presence.ts';
import type { ObjectStore } from './storage/object-store.ts';
import type { StoredScenes } from './storage/stored-scenes.ts';
import type { HealthCheck } from '../shared/telemetry/health.ts';
import type { GatewayMetrics } from './telemetry/gateway-metrics.ts';
import type { Webhooks } from './webhooks/webhooks.ts';
import type { OverviewQueries } from './ledger/overview-queries.ts';
import type { QueueQueries } from './ledger/queue-queries.ts';
import type { FarmPulse } from './overview/farm-pulse.ts';
import type { OverviewReader } from './overview/overview-reader.ts';
import type { WorkerBoard } from './workers/worker-board.ts';

const token = <T>(name: string): InjectionToken<T> => Symbol(name);

/** Everything that the gateway's container holds. */
export const TOKENS = {
  /** For the gateway's own reads and writes. */
  s3: token<S3Client>('s3'),
  /** Signs links with the address that browsers use. */
  signer: token<S3Client>('signer'),
  objects: token<ObjectStore>('objects'),
  jobs: token<JobQueries>('jobs'),
  frames: token<FrameQueries>('frames'),
  attempts: token<AttemptQueries>('attempts'),
  levels: token<LevelQueries>('levels'),
  pace: token<PaceQueries>('pace'),
  timeline: token<TimelineQueries>('timeline'),
  reader: token<ResultReader>('reader'),
  previews: token<PreviewWishes>('previews'),
  results: token<ResultQueries>('results'),
  targets: token<TargetStore>('targets'),
  deliveries: token<DeliveryStore>('deliveries'),
  deliveryRunner: token<DeliveryRunner>('deliveryRunner'),
  presence: token<AssetPresence>('presence'),
  assets: token<AssetStore>('assets'),
  parts: token<PartUploads>('parts'),
  scenes: token<StoredScenes>('scenes'),
  templates: token<TemplateStore>('templates'),
  batches: token<BatchQueries>('batches'),
  batchClient: token<BatchClient>('batchClient'),
  logBuffer: token<LogBuffer>('logBuffer'),
  logs: token<LogReader>('logs'),
  workers: token<WorkerBoard>('workers'),
  overviewQueries: token<OverviewQueries>('overviewQueries'),
  queue: token<QueueQueries>('queue'),
  pulse: token<FarmPulse>('pulse'),
  overview: token<OverviewReader>('overview'),
  submitter: token<JobSubmitter>('submitter'),
  controller: token<JobController>('controller'),
  settings: token<FarmSettingsQueries>('settings'),
  quality: token<QualityQueries>('quality'),
  failures: token<FailureBoard>('failures'),
  roots: token<RootQueries>('roots'),
  storage: token<StorageQueries>('storage'),
  manager: token<FarmManager>('manager'),
  engines: token<FarmEngines>('engines'),
  webhooks: token<Webhooks>('webhooks'),
  events: token<EventStreams>('events'),
  snapshots: token<Snapshots>('snapshots'),
  realtime: token<RealtimeServer>('realtime'),
  feeds: token<Feeds>('feeds'),
  prometheus: token<Registry>('prometheus'),
  metrics: token<GatewayMetrics>('metrics'),
  healthChecks: token<Readonly<Record<string, HealthCheck>>>('healthChecks'),
  app: token<Express>('app'),
} as const;
