import type { S3Client } from '@aws-sdk/client-s3';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import type { DependencyContainer } from 'tsyringe';
import type { CoordinatorEnvironment } from '../shared/config/environment.ts';
import type { Ledger } from '../shared/database/connect.ts';
import type { Lifecycle } from '../shared/lifecycle/lifecycle.ts';
import { STREAMS } from '../shared/messaging/streams.ts';
import { startHealthServer } from '../shared/telemetry/health-server.ts';
import { bucketCheck, streamCheck, type HealthCheck } from '../shared/telemetry/health.ts';
import type { Feeder } from './dispatch/feeder.ts';
import type { LaneManager } from './dispatch/lane-manager.ts';
import type { LeaderLease } from './dispatch/leader-lease.ts';
import type { WorkerRegistry } from './dispatch/worker-registry.ts';
import type { JobIntake } from './intake/job-intake.ts';
import type { SubmitService } from './intake/submit-service.ts';
import type { Announcer } from './ledger/announcer.ts';
import type { StatusApplier } from './ledger/status-applier.ts';
import type { Expander } from './planning/expander.ts';
import type { OutageClock } from './recovery/outage-clock.ts';
import type { StreamGuard } from './runtime/stream-guard.ts';
import { TOKENS } from './tokens.ts';

/** Starts every part of a coordinator and registers how each stops: what takes work in stops first. */
export async function startCoordinator(parts: DependencyContainer, lifecycle: Lifecycle): Promise<void> {
  const ledger = parts.resolve<Ledger>(TOKENS.ledger);
  const nats = parts.resolve<NatsConnection>(TOKENS.nats);
  lifecycle.onStop('the ledger', () => ledger.destroy());
  lifecycle.onStop('NATS', () => nats.drain());
  lifecycle.onStop('S3', () => parts.resolve<S3Client>(TOKENS.s3).destroy());
  lifecycle.onStop('announcements', () => parts.resolve<Announcer>(TOKENS.announcer).flush());

  const guard = parts.resolve<StreamGuard>(TOKENS.guard);
  await guard.start();
  lifecycle.onStop('the watch over streams', () => guard.stop());
  const clock = parts.resolve<OutageClock>(TOKENS.clock);
  clock.start();
  lifecycle.onStop('the clock', () => clock.stop());

  startPart(parts.resolve<WorkerRegistry>(TOKENS.registry), 'heartbeats', lifecycle);
  const lanes = parts.resolve<LaneManager>(TOKENS.lanes);
  lanes.start();
  guard.onRebuilt(() => lanes.reset());
  startPart(parts.resolve<Feeder>(TOKENS.feeder), 'the feeder', lifecycle);
  startPart(parts.resolve<Expander>(TOKENS.expander), 'the expander', lifecycle);
  const lease = parts.resolve<LeaderLease>(TOKENS.lease);
  await lease.start();
  lifecycle.onStop('the lease', () => lease.stop());
  startPart(parts.resolve<StatusApplier>(TOKENS.statusApplier), 'results', lifecycle);
  startPart(parts.resolve<JobIntake>(TOKENS.jobIntake), 'the intake of jobs', lifecycle);
  startPart(parts.resolve<SubmitService>(TOKENS.submitService), 'submissions', lifecycle);

  const environment = parts.resolve<CoordinatorEnvironment>(TOKENS.environment);
  const health = await startHealthServer({
    host: environment.FARMHAND_HEALTH_HOST,
    port: environment.FARMHAND_HEALTH_PORT,
    checks: {
      postgres: writableCheck(ledger),
      jetstream: streamCheck(nats, STREAMS.jobs.name),
      s3: bucketCheck(parts.resolve<S3Client>(TOKENS.s3), environment.S3_BUCKET),
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
