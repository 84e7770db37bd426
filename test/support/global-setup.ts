import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import { generateSecrets, type FarmSecrets } from '../../src/local/secrets.ts';
import { runStatement, startPostgres } from '../../src/local/servers/postgres.ts';
import { natsServerProgram } from '../../src/local/servers/nats.ts';
import { startSeaweedfs } from '../../src/local/servers/seaweedfs.ts';
import { connectLedger } from '../../src/shared/database/connect.ts';
import { migrateLedger } from '../../src/shared/database/migrate.ts';

export interface TestServers {
  /** A database that is migrated and empty; every test gets a copy of it. */
  templateDatabase: string;
  /** `postgres://…/postgres` with the right to create databases. */
  adminDatabaseUrl: string;
  s3Endpoint: string;
  s3: FarmSecrets['s3'];
  cache: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    servers: TestServers;
  }
}

const TEMPLATE = 'template_farmhand';

/** Buckets of tests begin with this; the worker identity's rights are bound to them. */
export const TEST_BUCKET_PREFIX = 'test-';

/** One Postgres and one SeaweedFS for the run; a nats-server is so quick that every test starts its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const home = await mkdtemp(join(tmpdir(), 'farmhand-test-'));
  const cleanUp: (() => Promise<void>)[] = [() => rm(home, { recursive: true, force: true })];
  const tearDown = async (): Promise<void> => {
    for (const step of cleanUp.reverse()) await step();
  };
  try {
    project.provide('servers', await startServers(home, cleanUp));
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

async function startServers(home: string, cleanUp: (() => Promise<void>)[]): Promise<TestServers> {
  const cache = cacheFolder();
  const secrets = generateSecrets();
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  await natsServerProgram(cache, progress);
  const postgres = await startPostgres({
    folder: join(home, 'postgres'),
    logFile: join(home, 'postgres.log'),
    cache,
    password: secrets.postgres,
    progress,
    throwaway: true,
  });
  if (postgres.dataFolder !== join(home, 'postgres'))
    cleanUp.push(() => rm(postgres.dataFolder, { recursive: true, force: true }));
  cleanUp.push(postgres.stop);
  const s3 = await startSeaweedfs({
    folder: join(home, 's3'),
    logFile: join(home, 's3.log'),
    cache,
    bucket: `${TEST_BUCKET_PREFIX}*`,
    identities: secrets.s3,
    keys: secrets.seaweed,
    progress,
  });
  cleanUp.push(s3.stop);
  const adminDatabaseUrl = databaseUrl(postgres.url, 'postgres');
  await runStatement(adminDatabaseUrl, `create database ${TEMPLATE}`);
  const ledger = connectLedger(databaseUrl(postgres.url, TEMPLATE), pino({ level: 'warn' }));
  await migrateLedger(ledger);
  await ledger.destroy();
  return {
    templateDatabase: TEMPLATE,
    adminDatabaseUrl,
    s3Endpoint: s3.endpoint,
    s3: secrets.s3,
    cache,
  };
}

/** The same server and credentials, another database. */
export function databaseUrl(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
