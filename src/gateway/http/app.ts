import express, { Router, type Express } from 'express';
import type { Logger } from '../../shared/logging/logger.ts';
import { assertId } from '../../shared/domain/ids.ts';
import type { HealthCheck } from '../../shared/telemetry/health.ts';
import type { Access } from '../auth/access.ts';
import type { EventStreams } from '../events/event-streams.ts';
import type { DeliveryRunner } from '../delivery/delivery-runner.ts';
import type { DeliveryStore } from '../delivery/delivery-store.ts';
import type { TargetStore } from '../delivery/target-store.ts';
import type { FailureBoard } from '../failures/failure-board.ts';
import type { FarmEngines } from '../engines/farm-engines.ts';
import type { AssetStore } from '../ledger/asset-store.ts';
import type { BatchQueries } from '../ledger/batch-queries.ts';
import type { PartUploads } from '../ledger/part-uploads.ts';
import type { AttemptQueries } from '../ledger/attempt-queries.ts';
import type { QualityQueries } from '../ledger/quality-queries.ts';
import type { RootQueries } from '../ledger/root-queries.ts';
import type { FarmSettingsQueries } from '../ledger/farm-settings-queries.ts';
import type { FrameQueries } from '../ledger/frame-queries.ts';
import type { JobQueries } from '../ledger/job-queries.ts';
import type { LevelQueries } from '../ledger/level-queries.ts';
import type { PaceQueries } from '../ledger/pace-queries.ts';
import type { PreviewWishes } from '../ledger/preview-wishes.ts';
import type { ResultQueries } from '../ledger/result-queries.ts';
import type { ResultReader } from '../ledger/result-reader.ts';
import type { StorageQueries } from '../ledger/storage-queries.ts';
import type { TemplateStore } from '../ledger/template-store.ts';
import type { TimelineQueries } from '../ledger/timeline-queries.ts';
import type { BatchClient } from '../messaging/batch-client.ts';
import type { QueueQueries } from '../ledger/queue-queries.ts';
import type { OverviewReader } from '../overview/overview-reader.ts';
import type { FarmManager } from '../messaging/farm-manager.ts';
import type { JobController } from '../messaging/job-controller.ts';
import type { JobSubmitter } from '../messaging/job-submitter.ts';
import type { LogReader } from '../storage/log-reader.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { StoredScenes } from '../storage/stored-scenes.ts';
import type { GatewayMetrics } from '../telemetry/gateway-metrics.ts';
import type { Webhooks } from '../webhooks/webhooks.ts';
import type { WorkerBoard } from '../workers/worker-board.ts';
import { checkHost, requireCaller } from './access-middleware.ts';
import { problemHandler, unknownRoute } from './problems.ts';
import { assetRoutes } from './routes/assets.ts';
import { batchRoutes } from './routes/batches.ts';
import { controlRoutes } from './routes/control.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { engineRoutes } from './routes/engines.ts';
import { eventRoutes } from './routes/events.ts';
import { farmSettingRoutes } from './routes/farm-settings.ts';
import { failureRoutes } from './routes/failures.ts';
import { rootRoutes } from './routes/roots.ts';
import { farmRoutes } from './routes/farm.ts';
import { frameRoutes } from './routes/frames.ts';
import { qualityRoutes } from './routes/quality.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectRoutes } from './routes/inspect.ts';
import { jobViewRoutes } from './routes/job-views.ts';
import { jobRoutes } from './routes/jobs.ts';
import { logRoutes } from './routes/logs.ts';
import { previewRoutes } from './routes/previews.ts';
import { resultRoutes } from './routes/results.ts';
import { sessionRoutes } from './routes/session.ts';
import { storageRoutes } from './routes/storage.ts';
import { templateRoutes } from './routes/templates.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { whyRoutes } from './routes/why.ts';
import { workerRoutes } from './routes/workers.ts';
import { overviewRoutes } from './routes/overview.ts';
import { queueRoutes } from './routes/queue.ts';
import { securityHeaders } from './security-headers.ts';
import { staticPage } from './static-page.ts';

export interface AppParts {
  access: Access;
  jobs: JobQueries;
  frames: FrameQueries;
  quality: QualityQueries;
  failures: FailureBoard;
  attempts: AttemptQueries;
  levels: LevelQueries;
  pace: PaceQueries;
  timeline: TimelineQueries;
  reader: ResultReader;
  previews: PreviewWishes;
  results: ResultQueries;
  targets: TargetStore;
  deliveries: DeliveryStore;
  deliveryRunner: DeliveryRunner;
  logs: LogReader;
  assets: AssetStore;
  parts: PartUploads;
  scenes: StoredScenes;
  templates: TemplateStore;
  batches: BatchQueries;
  batchClient: BatchClient;
  workers: WorkerBoard;
  overview: OverviewReader;
  queue: QueueQueries;
  objects: ObjectStore;
  submitter: JobSubmitter;
  controller: JobController;
  settings: FarmSettingsQueries;
  storage: StorageQueries;
  roots: RootQueries;
  manager: FarmManager;
  engines: FarmEngines;
  webhooks: Webhooks;
  events: EventStreams;
  checks: Readonly<Record<string, HealthCheck>>;
  metrics: GatewayMetrics;
  log: Logger;
}

export interface AppSettings {
  /** The object store as browsers reach it. */
  objectStoreUrl: string;
  /** Where the built page is. */
  uiFolder: string;
  version: string;
}

/** The HTTP side of the gateway; what it serves is listed in docs/protocols.md. */
export function createApp(parts: AppParts, settings: AppSettings): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('etag', false); // answers are not to be kept, except the page's files, which have their own
  app.use(parts.metrics.measure);
  app.use(securityHeaders(settings.objectStoreUrl));
  app.use(healthRoutes(parts.checks));
  app.use(checkHost(parts.access));
  app.use('/api', sessionRoutes(parts.access));
  app.use('/api', requireCaller(parts.access), api(parts, settings));
  app.use(staticPage(settings.uiFolder));
  app.use(unknownRoute);
  app.use(problemHandler(parts.log));
  return app;
}

function api(parts: AppParts, settings: AppSettings): Router {
  const router = Router();
  router.use('/jobs/:id', (request, _response, next) => {
    assertId(request.params.id, 'The job id');
    next();
  });
  router.use(farmRoutes(settings.version));
  router.use(jobRoutes(parts.jobs, parts.submitter));
  router.use(frameRoutes(parts.frames, parts.jobs, parts.objects));
  router.use(qualityRoutes(parts.quality, parts.jobs));
  router.use(logRoutes(parts));
  router.use(jobViewRoutes(parts));
  router.use(resultRoutes(parts));
  router.use(previewRoutes(parts.previews));
  router.use(deliveryRoutes(parts));
  router.use(controlRoutes(parts.jobs, parts.controller));
  router.use(whyRoutes(parts.jobs, parts.manager));
  router.use(overviewRoutes(parts.overview));
  router.use(queueRoutes(parts.queue, parts.manager));
  router.use(workerRoutes(parts.workers, parts.settings, parts.manager, parts.attempts));
  router.use(engineRoutes(parts.engines, parts.manager));
  router.use(farmSettingRoutes(parts.settings, parts.manager));
  router.use(rootRoutes(parts.roots, parts.manager));
  router.use(failureRoutes(parts.failures));
  router.use(storageRoutes(parts.storage));
  router.use(assetRoutes(parts.assets, parts.parts));
  router.use(inspectRoutes(parts.scenes, parts.workers));
  router.use(templateRoutes(parts.templates, parts.assets, parts.objects));
  router.use(webhookRoutes(parts.webhooks));
  router.use(eventRoutes(parts.events, parts.access));
  router.use(batchRoutes(parts.batches, parts.batchClient));
  router.use(unknownRoute);
  return router;
}
