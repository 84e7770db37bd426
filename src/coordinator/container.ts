import 'reflect-metadata';
import type { S3Client } from '@aws-sdk/client-s3';
import type { NatsConnection } from 'nats';
import { container, instanceCachingFactory, type DependencyContainer } from 'tsyringe';
import type { CoordinatorEnvironment } from '../shared/config/environment.ts';
import type { Ledger } from '../shared/database/connect.ts';
import type { Logger } from '../shared/logging/logger.ts';
import { Feeder } from './dispatch/feeder.ts';
import { LaneManager } from './dispatch/lane-manager.ts';
import { LeaderLease } from './dispatch/leader-lease.ts';
import { TaskPublisher } from './dispatch/task-publisher.ts';
import { WorkerRegistry } from './dispatch/worker-registry.ts';
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
import { Expander } from './planning/expander.ts';
import { OutageClock } from './recovery/outage-clock.ts';
import { StreamGuard } from './runtime/stream-guard.ts';
import { WakeUps } from './runtime/wake-ups.ts';
import { TOKENS } from './tokens.ts';

/** What a coordinator is made of that comes from outside the process. */
export interface Infrastructure {
  log: Logger;
  environment: CoordinatorEnvironment;
  coordinatorId: string;
  ledger: Ledger;
  nats: NatsConnection;
  s3: S3Client;
}

/** A container of its own for one coordinator; every part is made once, when it is first asked for. */
export function createContainer(infrastructure: Infrastructure): DependencyContainer {
  const child = container.createChildContainer();
  for (const [name, value] of Object.entries(infrastructure))
    child.registerInstance(TOKENS[name as keyof Infrastructure], value);
  registerRuntime(child, infrastructure);
  registerIntake(child, infrastructure);
  registerDispatch(child, infrastructure);
  return child;
}

function provide<T>(to: DependencyContainer, token: symbol, make: (from: DependencyContainer) => T): void {
  to.register(token, { useFactory: instanceCachingFactory(make) });
}

function registerRuntime(
  to: DependencyContainer,
  { log, environment, coordinatorId, ledger, nats }: Infrastructure,
): void {
  provide(to, TOKENS.wakeUps, () => new WakeUps());
  provide(to, TOKENS.guard, () => new StreamGuard(nats, environment.FARMHAND_STREAM_REPLICAS, log));
  provide(to, TOKENS.clock, () => new OutageClock(nats));
  provide(to, TOKENS.announcer, () => new Announcer(ledger, nats, coordinatorId, log));
  provide(to, TOKENS.deadLetters, () => new DeadLetters(nats, log));
  provide(to, TOKENS.steps, () => new StepInfos(ledger));
}

function registerIntake(
  to: DependencyContainer,
  { log, environment, ledger, nats, s3 }: Infrastructure,
): void {
  provide(to, TOKENS.submissions, (from) => {
    const manifests = new AssetManifests(s3, environment.S3_BUCKET);
    const scenes = new SceneResolver(ledger, manifests, new TemplateData());
    return new Submissions(ledger, scenes, from.resolve(TOKENS.announcer), from.resolve(TOKENS.wakeUps));
  });
  provide(
    to,
    TOKENS.jobIntake,
    (from) =>
      new JobIntake(
        {
          submissions: from.resolve(TOKENS.submissions),
          announcer: from.resolve(TOKENS.announcer),
          deadLetters: from.resolve(TOKENS.deadLetters),
        },
        nats,
        from.resolve(TOKENS.guard),
        log,
      ),
  );
  provide(to, TOKENS.submitService, (from) => new SubmitService(from.resolve(TOKENS.submissions), nats, log));
}

function registerDispatch(
  to: DependencyContainer,
  { log, coordinatorId, ledger, nats }: Infrastructure,
): void {
  provide(to, TOKENS.lease, () => new LeaderLease(ledger, coordinatorId, log));
  provide(to, TOKENS.registry, (from) => new WorkerRegistry(nats, from.resolve(TOKENS.clock), log));
  provide(to, TOKENS.publisher, () => new TaskPublisher(nats, log));
  provide(
    to,
    TOKENS.lanes,
    (from) =>
      new LaneManager(
        {
          registry: from.resolve(TOKENS.registry),
          lease: from.resolve(TOKENS.lease),
          wakeUps: from.resolve(TOKENS.wakeUps),
        },
        nats,
        ledger,
        log,
      ),
  );
  provide(to, TOKENS.feeder, (from) => {
    const parts = {
      lanes: from.resolve<LaneManager>(TOKENS.lanes),
      lease: from.resolve<LeaderLease>(TOKENS.lease),
      steps: from.resolve<StepInfos>(TOKENS.steps),
      publisher: from.resolve<TaskPublisher>(TOKENS.publisher),
      announcer: from.resolve<Announcer>(TOKENS.announcer),
      wakeUps: from.resolve<WakeUps>(TOKENS.wakeUps),
    };
    return new Feeder(parts, ledger, nats, coordinatorId, log);
  });
  provide(to, TOKENS.expander, (from) => {
    const parts = {
      steps: from.resolve<StepInfos>(TOKENS.steps),
      announcer: from.resolve<Announcer>(TOKENS.announcer),
      wakeUps: from.resolve<WakeUps>(TOKENS.wakeUps),
    };
    return new Expander(parts, ledger, log);
  });
  provide(to, TOKENS.statusApplier, (from) => {
    const parts = {
      steps: from.resolve<StepInfos>(TOKENS.steps),
      registry: from.resolve<WorkerRegistry>(TOKENS.registry),
      feeder: from.resolve<Feeder>(TOKENS.feeder),
      announcer: from.resolve<Announcer>(TOKENS.announcer),
      deadLetters: from.resolve<DeadLetters>(TOKENS.deadLetters),
      guard: from.resolve<StreamGuard>(TOKENS.guard),
    };
    return new StatusApplier(parts, ledger, nats, log);
  });
}
