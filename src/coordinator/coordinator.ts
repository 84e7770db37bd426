import { sql } from 'kysely';
import type { DependencyContainer } from 'tsyringe';
import type { Ledger } from '../shared/database/connect.ts';
import type { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { STREAMS } from '../shared/messaging/streams.ts';
import { startHealthServer } from '../shared/telemetry/health-server.ts';
import { bucketCheck, streamCheck, type HealthCheck } from '../shared/telemetry/health.ts';
import { watchFarm } from './telemetry/farm-gauges.ts';
import { watchStorage } from './telemetry/storage-gauges.ts';
import { TOKENS } from './tokens.ts';

/** Starts every part of a coordinator and registers how each stops: what takes work in stops first. */
export async function startCoordinator(parts: DependencyContainer, lifecycle: Lifecycle): Promise<void> {
  const ledger = parts.resolve(TOKENS.ledger);
  const nats = parts.resolve(TOKENS.nats);
  lifecycle.onStop('the ledger', () => ledger.destroy());
  lifecycle.onStop('NATS', () => nats.drain());
  lifecycle.onStop('S3', () => parts.resolve(TOKENS.s3).destroy());
  lifecycle.onStop('announcements', () => parts.resolve(TOKENS.announcer).flush());

  const guard = parts.resolve(TOKENS.guard);
  await guard.start();
  lifecycle.onStop('the watch over streams', () => guard.stop());
  const clock = parts.resolve(TOKENS.clock);
  clock.start();
  lifecycle.onStop('the clock', () => clock.stop());

  // Before anything that checks jobs.
  const engines = parts.resolve(TOKENS.engineStore);
  await engines.start();
  guard.onRebuilt(() => engines.tellAgain());
  guard.onReconnected(() => engines.tellAgain());
  lifecycle.onStop('engines’ definitions', () => engines.stop());

  startPart(parts.resolve(TOKENS.registry), 'heartbeats', lifecycle);
  // Before lanes are told: a worker that is paused is to hear that first.
  startPart(parts.resolve(TOKENS.orders), 'orders of workers', lifecycle);
  const lanes = parts.resolve(TOKENS.lanes);
  lanes.start();
  guard.onRebuilt(() => lanes.reset());
  guard.onReconnected(() => lanes.reset());
  startPart(parts.resolve(TOKENS.feeder), 'the feeder', lifecycle);
  startPart(parts.resolve(TOKENS.expander), 'the expander', lifecycle);
  startPart(parts.resolve(TOKENS.lostWorkers), 'the watch over workers', lifecycle);
  startPart(parts.resolve(TOKENS.sweeper), 'the sweeper', lifecycle);
  startPart(parts.resolve(TOKENS.quarantine), 'quarantine', lifecycle);
  const lease = parts.resolve(TOKENS.lease);
  await lease.start();
  lifecycle.onStop('the lease', () => lease.stop());
  startPart(parts.resolve(TOKENS.statusApplier), 'results', lifecycle);
  startPart(parts.resolve(TOKENS.exhaustedDeliveries), 'advisories', lifecycle);
  startPart(parts.resolve(TOKENS.otherJobs), 'jobs that wait for jobs', lifecycle);
  startPart(parts.resolve(TOKENS.askService), 'questions of workers', lifecycle);
  startPart(parts.resolve(TOKENS.previewOrders), 'previews', lifecycle);
  startPart(parts.resolve(TOKENS.frameSweeper), 'the frame sweeper', lifecycle);
  startPart(parts.resolve(TOKENS.sequenceJudge), 'comparing frames', lifecycle);
  startPart(parts.resolve(TOKENS.controlIntake), 'control', lifecycle);
  startPart(parts.resolve(TOKENS.jobIntake), 'the intake of jobs', lifecycle);
  startPart(parts.resolve(TOKENS.submitService), 'submissions', lifecycle);
  startPart(parts.resolve(TOKENS.batchExpander), 'the rows of batches', lifecycle);
  startPart(parts.resolve(TOKENS.batchService), 'batches', lifecycle);
  startPart(parts.resolve(TOKENS.manageService), 'management', lifecycle);
  const folder = parts.resolve(TOKENS.engineFolder);
  if (folder) startPart(folder, 'the folder of engines', lifecycle);
  startPart(parts.resolve(TOKENS.queueService), 'the view of the queue', lifecycle);
  startPart(parts.resolve(TOKENS.whyService), 'explanations', lifecycle);
  startPart(parts.resolve(TOKENS.collector), 'the collector', lifecycle);

  const environment = parts.resolve(TOKENS.environment);
  const prometheus = parts.resolve(TOKENS.prometheus);
  watchFarm(prometheus, ledger, () => lease.isLeader());
  watchStorage(prometheus, ledger);
  const health = await startHealthServer({
    metrics: prometheus,
    host: environment.FARMHAND_HEALTH_HOST,
    port: environment.FARMHAND_HEALTH_PORT,
    checks: {
      postgres: writableCheck(ledger),
      jetstream: streamCheck(nats, STREAMS.jobs.name),
      s3: bucketCheck(parts.resolve(TOKENS.s3), environment.S3_BUCKET),
    },
  });
  lifecycle.onStop('the health server', () => health.stop());
}

function startPart(
  part: { start: () => void; stop: () => Promise<void> },
  name: string,
  lifecycle: Lifecycle,
): void {
  part.start();
  lifecycle.onStop(name, () => part.stop());
}

/** A ledger that only reads (a replica, a full disk) is no use to a coordinator. */
const writableCheck =
  (ledger: Ledger): HealthCheck =>
  () =>
    ledger.transaction().execute(async (trx) => {
      await sql`UPDATE leases SET expires_at = expires_at WHERE name = 'readiness'`.execute(trx);
      const { rows } = await sql<{ readonly: boolean }>`
        SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS readonly`.execute(
        trx,
      );
      if (rows[0]?.readonly !== false) throw new Error('the database is read-only');
    });
