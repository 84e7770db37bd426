import { FarmView } from './failures/farm-view.ts';
import { HoldNotices } from './failures/hold-notices.ts';
import { Quarantine } from './failures/quarantine.ts';
import { WorkerRepository } from './ledger/worker-repository.ts';
import { SequenceJudge } from './quality/sequence-judge.ts';
import { AskService } from './recovery/ask-service.ts';
import { ExhaustedDeliveries } from './recovery/exhausted-deliveries.ts';
import { LostWorkers } from './recovery/lost-workers.ts';
import { Sweeper } from './recovery/sweeper.ts';
import { PreviewOrders } from './previews/preview-orders.ts';
import { PreviewQuestions } from './previews/preview-questions.ts';
import { TOKENS } from './tokens.ts';
import { OtherJobs } from './dependencies/other-jobs.ts';
import type { Building } from './building.ts';

/** What decides on failures and judges results. */
export function registerFailures({ provide, get, log, ledger, nats }: Building): void {
  provide(TOKENS.farmView, () => new FarmView(get(TOKENS.registry)));
  provide(TOKENS.holdNotices, () => {
    const parts = {
      publisher: get(TOKENS.publisher),
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new HoldNotices(parts, nats, log);
  });
  provide(TOKENS.sequenceJudge, () => {
    const parts = {
      steps: get(TOKENS.steps),
      lease: get(TOKENS.lease),
      publisher: get(TOKENS.publisher),
      announcer: get(TOKENS.announcer),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new SequenceJudge(parts, nats, ledger, log);
  });
  provide(TOKENS.quarantine, () => {
    const parts = { farm: get(TOKENS.farmView), lease: get(TOKENS.lease), wakeUps: get(TOKENS.wakeUps) };
    return new Quarantine(parts, ledger, log);
  });
}

/** What brings back what was lost, and lets go what waited. */
export function registerRecovery({ provide, get, log, environment, ledger, nats, s3 }: Building): void {
  provide(TOKENS.lostWorkers, () => {
    const parts = {
      registry: get(TOKENS.registry),
      clock: get(TOKENS.clock),
      lease: get(TOKENS.lease),
      steps: get(TOKENS.steps),
      workers: new WorkerRepository(ledger),
      publisher: get(TOKENS.publisher),
      announcer: get(TOKENS.announcer),
      notices: get(TOKENS.holdNotices),
      farm: get(TOKENS.farmView),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new LostWorkers(parts, ledger, nats, log);
  });
  provide(TOKENS.sweeper, () => {
    const parts = {
      lease: get(TOKENS.lease),
      registry: get(TOKENS.registry),
      lanes: get(TOKENS.lanes),
      lostWorkers: get(TOKENS.lostWorkers),
      publisher: get(TOKENS.publisher),
      steps: get(TOKENS.steps),
      announcer: get(TOKENS.announcer),
      metrics: get(TOKENS.metrics),
      guard: get(TOKENS.guard),
      wakeUps: get(TOKENS.wakeUps),
    };
    return new Sweeper(parts, ledger, nats, log);
  });
  provide(
    TOKENS.otherJobs,
    () => new OtherJobs({ announcer: get(TOKENS.announcer), wakeUps: get(TOKENS.wakeUps) }, ledger, log),
  );
  provide(TOKENS.askService, () => {
    const previews = new PreviewQuestions(ledger, s3, environment.S3_BUCKET, log);
    const parts = { registry: get(TOKENS.registry), announcer: get(TOKENS.announcer), previews };
    return new AskService(parts, nats, ledger, log);
  });
  provide(TOKENS.previewOrders, () => {
    const parts = { registry: get(TOKENS.registry), lease: get(TOKENS.lease) };
    return new PreviewOrders(parts, nats, ledger, log);
  });
  provide(TOKENS.exhaustedDeliveries, () => {
    const parts = {
      steps: get(TOKENS.steps),
      announcer: get(TOKENS.announcer),
      deadLetters: get(TOKENS.deadLetters),
      guard: get(TOKENS.guard),
    };
    return new ExhaustedDeliveries(parts, ledger, nats, log);
  });
}
