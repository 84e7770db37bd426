import type { S3Client } from '@aws-sdk/client-s3';
import type { NatsConnection } from 'nats';
import type { Registry } from 'prom-client';
import type { InjectionToken } from 'tsyringe';
import type { CoordinatorEnvironment } from '../shared/config/environment.ts';
import type { Ledger } from '../shared/database/connect.ts';
import type { BatchExpander } from './batches/batch-expander.ts';
import type { BatchService } from './batches/batch-service.ts';
import type { ControlIntake } from './control/control-intake.ts';
import type { EngineFolder } from './engines/engine-folder.ts';
import type { EngineStore } from './engines/engine-store.ts';
import type { FrameSweeper } from './control/frame-sweeper.ts';
import type { FarmRulesCache } from './dispatch/farm-rules.ts';
import type { Feeder } from './dispatch/feeder.ts';
import type { LaneManager } from './dispatch/lane-manager.ts';
import type { LeaderLease } from './dispatch/leader-lease.ts';
import type { TaskPublisher } from './dispatch/task-publisher.ts';
import type { WorkerRegistry } from './dispatch/worker-registry.ts';
import type { FarmView } from './failures/farm-view.ts';
import type { HoldNotices } from './failures/hold-notices.ts';
import type { Quarantine } from './failures/quarantine.ts';
import type { DeadLetters } from './intake/dead-letters.ts';
import type { JobIntake } from './intake/job-intake.ts';
import type { Submissions } from './intake/submission.ts';
import type { AssetManifests } from './intake/asset-manifests.ts';
import type { SubmitService } from './intake/submit-service.ts';
import type { TemplateData } from './intake/template-data.ts';
import type { Announcer } from './ledger/announcer.ts';
import type { StatusApplier } from './ledger/status-applier.ts';
import type { StepInfos } from './ledger/step-info.ts';
import type { FarmSettings } from './manage/farm-settings.ts';
import type { ManageService } from './manage/manage-service.ts';
import type { WorkerOrders } from './manage/worker-orders.ts';
import type { Expander } from './planning/expander.ts';
import type { PreviewOrders } from './previews/preview-orders.ts';
import type { OtherJobs } from './dependencies/other-jobs.ts';
import type { SequenceJudge } from './quality/sequence-judge.ts';
import type { AskService } from './recovery/ask-service.ts';
import type { ExhaustedDeliveries } from './recovery/exhausted-deliveries.ts';
import type { LostWorkers } from './recovery/lost-workers.ts';
import type { OutageClock } from './recovery/outage-clock.ts';
import type { Sweeper } from './recovery/sweeper.ts';
import type { Collector } from './retention/collector.ts';
import type { StreamGuard } from './runtime/stream-guard.ts';
import type { WakeUps } from './runtime/wake-ups.ts';
import type { CoordinatorMetrics } from './telemetry/coordinator-metrics.ts';
import type { QueueService } from './queue/queue-service.ts';
import type { WhyService } from './why/why-service.ts';

const token = <T>(name: string): InjectionToken<T> => Symbol(name);

/** Everything that the coordinator's container holds. */
export const TOKENS = {
  environment: token<CoordinatorEnvironment>('environment'),
  ledger: token<Ledger>('ledger'),
  nats: token<NatsConnection>('nats'),
  s3: token<S3Client>('s3'),
  prometheus: token<Registry>('prometheus'),
  metrics: token<CoordinatorMetrics>('metrics'),
  wakeUps: token<WakeUps>('wakeUps'),
  guard: token<StreamGuard>('guard'),
  clock: token<OutageClock>('clock'),
  announcer: token<Announcer>('announcer'),
  deadLetters: token<DeadLetters>('deadLetters'),
  steps: token<StepInfos>('steps'),
  lease: token<LeaderLease>('lease'),
  registry: token<WorkerRegistry>('registry'),
  manifests: token<AssetManifests>('manifests'),
  templateData: token<TemplateData>('templateData'),
  submissions: token<Submissions>('submissions'),
  jobIntake: token<JobIntake>('jobIntake'),
  submitService: token<SubmitService>('submitService'),
  batchService: token<BatchService>('batchService'),
  batchExpander: token<BatchExpander>('batchExpander'),
  controlIntake: token<ControlIntake>('controlIntake'),
  frameSweeper: token<FrameSweeper>('frameSweeper'),
  publisher: token<TaskPublisher>('publisher'),
  lanes: token<LaneManager>('lanes'),
  rules: token<FarmRulesCache>('rules'),
  feeder: token<Feeder>('feeder'),
  expander: token<Expander>('expander'),
  statusApplier: token<StatusApplier>('statusApplier'),
  lostWorkers: token<LostWorkers>('lostWorkers'),
  sweeper: token<Sweeper>('sweeper'),
  sequenceJudge: token<SequenceJudge>('sequenceJudge'),
  otherJobs: token<OtherJobs>('otherJobs'),
  previewOrders: token<PreviewOrders>('previewOrders'),
  askService: token<AskService>('askService'),
  farmView: token<FarmView>('farmView'),
  holdNotices: token<HoldNotices>('holdNotices'),
  quarantine: token<Quarantine>('quarantine'),
  orders: token<WorkerOrders>('orders'),
  settings: token<FarmSettings>('settings'),
  collector: token<Collector>('collector'),
  engineStore: token<EngineStore>('engineStore'),
  engineFolder: token<EngineFolder | null>('engineFolder'),
  manageService: token<ManageService>('manageService'),
  queueService: token<QueueService>('queueService'),
  whyService: token<WhyService>('whyService'),
  exhaustedDeliveries: token<ExhaustedDeliveries>('exhaustedDeliveries'),
} as const;
