import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import type { NatsConnection } from 'nats';
import { pino } from 'pino';
import { inject } from 'vitest';
import { generateSecrets } from '../../src/local/secrets.ts';
import { startNats, type RunningNats } from '../../src/local/servers/nats.ts';
import { runStatement } from '../../src/local/servers/postgres.ts';
import { connectLedger, type Ledger } from '../../src/shared/database/connect.ts';
import type { Logger } from '../../src/shared/logging/logger.ts';
import { connectNats, type NatsSettings } from '../../src/shared/messaging/connection.ts';
import type { Role } from '../../src/shared/messaging/permissions.ts';
import { reconcileStreams } from '../../src/shared/messaging/reconcile-streams.ts';
import { createS3Client, type S3Settings } from '../../src/shared/storage/s3-client.ts';
import { TEST_BUCKET_PREFIX, databaseUrl } from './global-setup.ts';

/** A farm's servers for one test or test file: nothing in them but empty tables, streams and a bucket. */
export interface TestContext {
  log: Logger;
  /** Scratch folder, removed by `dispose`. */
  folder: string;
  databaseUrl: string;
  ledger: Ledger;
  nats: RunningNats;
  /** URL, user and password of a role. */
  natsSettings: (role: Role) => NatsSettings;
  /** A new connection with a role's real permissions; closed by `dispose`. */
  connectAs: (role: Role, name?: string) => Promise<NatsConnection>;
  /** S3 with the farm's own identity, and with the worker's. */
  s3Settings: S3Settings;
  workerS3Settings: S3Settings;
  s3: S3Client;
  /** The environment of a process that talks to these servers as `role`. */
  environmentOf: (role: 'coordinator' | 'gateway' | 'worker' | 'operator') => Record<string, string>;
  dispose: () => Promise<void>;
}

export async function createTestContext(): Promise<TestContext> {
  const servers = inject('servers');
  const log = pino({ level: process.env['FARMHAND_TEST_LOG'] ?? 'silent' });
  const name = `t${randomBytes(6).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-test-'));
  const passwords = generateSecrets().nats;
  await runStatement(
    servers.adminDatabaseUrl,
    `create database ${name} template ${servers.templateDatabase} strategy file_copy`,
  );
  const ledgerUrl = databaseUrl(servers.adminDatabaseUrl, name);
  const nats = await startNats({
    folder: join(folder, 'nats'),
    logFile: join(folder, 'nats.log'),
    cache: servers.cache,
    passwords,
  });
  const s3Settings: S3Settings = {
    endpoint: servers.s3Endpoint,
    bucket: `${TEST_BUCKET_PREFIX}${name}`,
    region: 'us-east-1',
    ...servers.s3.farm,
  };
  const workerS3Settings = { ...s3Settings, ...servers.s3.worker };
  const s3 = createS3Client(s3Settings);
  await s3.send(new CreateBucketCommand({ Bucket: s3Settings.bucket }));
  const ledger = connectLedger(ledgerUrl, log);
  const connections: NatsConnection[] = [];
  const natsSettings = (role: Role): NatsSettings => ({
    url: nats.url,
    user: role,
    password: passwords[role],
  });
  const connectAs = async (role: Role, connectionName = `test-${role}`): Promise<NatsConnection> => {
    const connection = await connectNats(natsSettings(role), role, connectionName, log);
    connections.push(connection);
    return connection;
  };
  await reconcileStreams(await connectAs('coordinator'));
  return {
    log,
    folder,
    databaseUrl: ledgerUrl,
    ledger,
    nats,
    natsSettings,
    connectAs,
    s3Settings,
    workerS3Settings,
    s3,
    environmentOf: (role) => ({
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      FARMHAND_LOG_LEVEL: 'debug',
      NATS_URL: nats.url,
      NATS_USER: role,
      NATS_PASSWORD: passwords[role],
      ...(role === 'worker' ? {} : { DATABASE_URL: ledgerUrl }),
      ...s3Environment(role === 'worker' ? workerS3Settings : s3Settings),
    }),
    dispose: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await ledger.destroy();
      await nats.stop();
      await runStatement(servers.adminDatabaseUrl, `drop database ${name} with (force)`);
      // SeaweedFS removes a bucket with what is in it.
      await s3.send(new DeleteBucketCommand({ Bucket: s3Settings.bucket }));
      s3.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function s3Environment(settings: S3Settings): Record<string, string> {
  return {
    S3_ENDPOINT: settings.endpoint,
    S3_BUCKET: settings.bucket,
    AWS_REGION: settings.region,
    AWS_ACCESS_KEY_ID: settings.accessKeyId,
    AWS_SECRET_ACCESS_KEY: settings.secretAccessKey,
  };
}
