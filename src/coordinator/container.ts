import 'reflect-metadata';
import { container, instanceCachingFactory, type DependencyContainer, type InjectionToken } from 'tsyringe';
import { BatchExpander } from './batches/batch-expander.ts';
import { BatchService } from './batches/batch-service.ts';
import { BatchSubmissions } from './batches/batch-submissions.ts';
import { CancelSweep } from './batches/cancel-sweep.ts';
import { RowJobs } from './batches/row-jobs.ts';
import { RowsFiles } from './batches/rows-file.ts';
import { TakeRows } from './batches/take-rows.ts';
import { ControlIntake } from './control/control-intake.ts';
import { FrameSweeper } from './control/frame-sweeper.ts';
import { JobControls } from './control/job-controls.ts';
import { Resubmissions } from './control/resubmit.ts';
import { FarmRulesCache } from './dispatch/farm-rules.ts';
import { Feeder } from './dispatch/feeder.ts';
import { LaneManager } from './dispatch/lane-manager.ts';
import { LeaderLease } from './dispatch/leader-lease.ts';
import { TaskPublisher } from './dispatch/task-publisher.ts';
import { WorkerRegistry } from './dispatch/worker-registry.ts';
import { EngineFolder } from './engines/engine-folder.ts';
import { EngineStore } from './engines/engine-store.ts';
import { AssetManifests } from './intake/asset-manifests.ts';
import { DeadLetters } from './intake/dead-letters.ts';
import { JobIntake } from './intake/job-intake.ts';
import { SceneResolver } from './intake/resolve-scene.ts';
import { Submissions } from './intake/submission.ts';
import { SubmitService } from './intake/submit-service.ts';
import { TemplateData } from './intake/template-data.ts';
import { Announcer } from './ledger/announcer.ts';
import { StatusApplier } from './ledger/status-applier.ts';
import { StepInfos } from './ledger/step-info.ts';
import { FarmSettings } from './manage/farm-settings.ts';
import { ManageService } from './manage/manage-service.ts';
import { WorkerOrders } from './manage/worker-orders.ts';
import { Expander } from './planning/expander.ts';
import { OutageClock } from './recovery/outage-clock.ts';
import { Collector } from './retention/collector.ts';
import { StreamGuard } from './runtime/stream-guard.ts';
import { WakeUps } from './runtime/wake-ups.ts';
import { CoordinatorMetrics } from './telemetry/coordinator-metrics.ts';
import { QueueService } from './queue/queue-service.ts';
import { WhyService } from './why/why-service.ts';
import { Bucket } from '../shared/storage/bucket.ts';
import { createMetricsRegistry } from '../shared/telemetry/metrics.ts';
import type { Building, Infrastructure } from './building.ts';
import { registerFailures, registerRecovery } from './register-recovery.ts';
import { TOKENS } from './tokens.ts';
import { FarmReferences } from './intake/farm-references.ts';

/** A container of its own for one coordinator; every part is made once, when it is first asked for. */
export function createContainer(infrastructure: Infrastructure): DependencyContainer {
  const child = container.createChildContainer();
  const provide = <T>(token: InjectionToken<T>, make: () => T): void => {
    child.register(token, { useFactory: instanceCachingFactory(make) });
  };
  const building: Building = { ...infrastructure, provide, get: (token) => child.resolve(token) };
  child.registerInstance(TOKENS.environment, infrastructure.environment);
  child.registerInstance(TOKENS.ledger, infrastructure.ledger);
  child.registerInstance(TOKENS.nats, infrastructure.nats);
  child.registerInstance(TOKENS.s3, infrastructure.s3);
  registerRuntime(building);
  registerIntake(building);
  registerBatches(building);
  registerDispatch(building);
  registerFailures(building);
  registerRecovery(building);
  registerManagement(building);
  registerRetention(building);
  return child;
}

function registerRuntime({ provide, get, log, environment, coordinatorId, ledger, nats }: Building): void {
  provide(TOKENS.prometheus, createMetricsRegistry);
  provide(TOKENS.metrics, () => new CoordinatorMetrics(get(TOKENS.prometheus)));
  provide(TOKENS.wakeUps, () => new WakeUps());
  provide(TOKENS.guard, () => new StreamGuard(nats, environment.FARMHAND_STREAM_REPLICAS, log));
  provide(TOKENS.clock, () => new OutageClock(nats));
  provide(TOKENS.announcer, () => new Announcer(ledger, nats, coordinatorId, log));
  provide(TOKENS.deadLetters, () => new DeadLetters(nats, log));
  provide(TOKENS.steps, () => new StepInfos(ledger));
  provide(TOKENS.lease, () => new LeaderLease(ledger, coordinatorId, log));
  provide(TOKENS.registry, () => new WorkerRegistry(nats, get(TOKENS.clock), log));
}

function registerIntake({ provide, get, log, environment, ledger, nats, s3 }: Building): void {
  provide(TOKENS.manifests, () => new AssetManifests(s3, environment.S3_BUCKET, ledger));
  provide(TOKENS.templateData, () => new TemplateData());
  provide(TOKENS.submissions, () => {
    const scenes = new SceneResolver(ledger, get(TOKENS.manifests), get(TOKENS.templateData));
    const parts = {
      scenes,
      references: new FarmReferences(ledger, get(TOKENS.registry)),
      quality: { mode: environment.FARMHAND_QUALITY },
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
      steps: get(TOKENS.steps),
    };
    return new Submissions(parts, ledger);
  });
  provide(
    TOKENS.jobIntake,
    () =>
      new JobIntake(
        {
          submissions: get(TOKENS.submissions),
          announcer: get(TOKENS.announcer),
          deadLetters: get(TOKENS.deadLetters),
        },
        nats,
        get(TOKENS.guard),
        log,
      ),
  );
  provide(TOKENS.submitService, () => new SubmitService(get(TOKENS.submissions), nats, log));
  provide(TOKENS.controlIntake, () => {
    const resubmissions = new Resubmissions(get(TOKENS.submissions), ledger);
    const parts = {
      controls: new JobControls({ infos: get(TOKENS.steps), resubmissions }, ledger),
      publisher: get(TOKENS.publisher),
      announcer: get(TOKENS.announcer),
      deadLetters: get(TOKENS.deadLetters),
      guard: get(TOKENS.guard),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new ControlIntake(parts, nats, log);
  });
  provide(TOKENS.frameSweeper, () => {
    const parts = { announcer: get(TOKENS.announcer), wakeUps: get(TOKENS.wakeUps) };
    return new FrameSweeper(parts, ledger, log);
  });
}

function registerBatches({ provide, get, log, environment, ledger, nats, s3 }: Building): void {
  const files = (): RowsFiles => new RowsFiles(s3, environment.S3_BUCKET, get(TOKENS.manifests));
  provide(TOKENS.batchService, () => {
    const parts = { submissions: get(TOKENS.submissions), files: files(), wakeUps: get(TOKENS.wakeUps) };
    return new BatchService(new BatchSubmissions(parts, ledger), nats, log);
  });
  provide(TOKENS.batchExpander, () => {
    const jobParts = {
      submissions: get(TOKENS.submissions),
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
    };
    const parts = {
      files: files(),
      takeRows: new TakeRows(new RowJobs(jobParts, ledger), get(TOKENS.templateData), ledger),
      cancelSweep: new CancelSweep(get(TOKENS.announcer), nats, ledger),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new BatchExpander(parts, ledger, log);
  });
}

function registerDispatch({ provide, get, log, coordinatorId, ledger, nats }: Building): void {
  provide(TOKENS.publisher, () => new TaskPublisher(nats, get(TOKENS.metrics), log));
  provide(TOKENS.lanes, () => {
    const parts = {
      registry: get(TOKENS.registry),
      lease: get(TOKENS.lease),
      wakeUps: get(TOKENS.wakeUps),
      ordersOf: (workerId: string) => get(TOKENS.orders).ordersOf(workerId),
    };
    return new LaneManager(parts, nats, ledger, log);
  });
  provide(TOKENS.rules, () => new FarmRulesCache(ledger, get(TOKENS.wakeUps)));
  provide(TOKENS.feeder, () => {
    const parts = {
      lanes: get(TOKENS.lanes),
      registry: get(TOKENS.registry),
      rules: get(TOKENS.rules),
      lease: get(TOKENS.lease),
      steps: get(TOKENS.steps),
      submissions: get(TOKENS.submissions),
      publisher: get(TOKENS.publisher),
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new Feeder(parts, ledger, nats, coordinatorId, log);
  });
  provide(TOKENS.expander, () => {
    const parts = { announcer: get(TOKENS.announcer), wakeUps: get(TOKENS.wakeUps) };
    return new Expander(parts, ledger, log);
  });
  provide(TOKENS.statusApplier, () => {
    const parts = {
      steps: get(TOKENS.steps),
      farm: get(TOKENS.farmView),
      notices: get(TOKENS.holdNotices),
      feeder: get(TOKENS.feeder),
      rules: get(TOKENS.rules),
      metrics: get(TOKENS.metrics),
      announcer: get(TOKENS.announcer),
      deadLetters: get(TOKENS.deadLetters),
      guard: get(TOKENS.guard),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new StatusApplier(parts, ledger, nats, log);
  });
}

function registerRetention({ provide, get, log, environment, ledger, s3 }: Building): void {
  provide(TOKENS.collector, () => {
    const parts = {
      lease: get(TOKENS.lease),
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
      bucket: new Bucket(s3, environment.S3_BUCKET),
    };
    return new Collector(parts, ledger, log);
  });
}

function registerManagement({ provide, get, log, environment, ledger, nats }: Building): void {
  provide(TOKENS.orders, () => {
    const parts = { registry: get(TOKENS.registry), lease: get(TOKENS.lease), wakeUps: get(TOKENS.wakeUps) };
    return new WorkerOrders(parts, nats, ledger, log);
  });
  provide(TOKENS.engineStore, () => new EngineStore(get(TOKENS.wakeUps), ledger, nats, log));
  provide(TOKENS.settings, () => new FarmSettings(ledger));
  provide(TOKENS.engineFolder, () => {
    const { FARMHAND_ENGINES_DIR: folder } = environment;
    if (folder === undefined) return null;
    const changed = (): Promise<void> => get(TOKENS.engineStore).changed();
    return new EngineFolder({ folder, settings: get(TOKENS.settings), changed }, ledger, log);
  });
  provide(TOKENS.manageService, () => {
    const rules = get(TOKENS.rules);
    const parts = {
      settings: get(TOKENS.settings),
      orders: get(TOKENS.orders),
      wakeUps: get(TOKENS.wakeUps),
      rulesChanged: () => rules.changed(),
      enginesChanged: () => get(TOKENS.engineStore).changed(),
      workerIds: () =>
        get(TOKENS.registry)
          .all()
          .map(({ heartbeat }) => heartbeat.workerId),
    };
    return new ManageService(parts, nats, log);
  });
  provide(TOKENS.queueService, () => {
    const feeder = get(TOKENS.feeder);
    return new QueueService(() => feeder.view, nats, log);
  });
  provide(TOKENS.whyService, () => new WhyService(get(TOKENS.registry), nats, ledger, log));
}
