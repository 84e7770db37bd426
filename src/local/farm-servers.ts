import {
  CreateBucketCommand,
  HeadBucketCommand,
  S3ServiceException,
  type S3Client,
} from '@aws-sdk/client-s3';
import { urlHost } from '../shared/config/addresses.ts';
import { connectLedger } from '../shared/database/connect.ts';
import { migrateLedger } from '../shared/database/migrate.ts';
import { createLogger } from '../shared/logging/logger.ts';
import { ROLES } from '../shared/messaging/permissions.ts';
import { createS3Client } from '../shared/storage/s3-client.ts';
import type { FarmAddress } from './addresses.ts';
import type { Connections, OwnServers } from './connections.ts';
import type { Progress } from './downloads/fetch-program.ts';
import type { FarmHome } from './farm-home.ts';
import { rotateLog } from './processes/log-files.ts';
import type { Supervisor } from './processes/supervisor.ts';
import { startNats } from './servers/nats.ts';
import type { PortBook } from './servers/ports.ts';
import { startPostgres } from './servers/postgres.ts';
import { startSeaweedfs } from './servers/seaweedfs.ts';

const BUCKET = 'farmhand';
const REGION = 'us-east-1';

interface ServersOptions {
  home: FarmHome;
  cache: string;
  ports: PortBook;
  /** Where NATS is open to others. */
  address: FarmAddress;
  own: OwnServers;
  progress: Progress;
}

/** Starts those of the three servers that the user did not name, all at once. @returns how to reach all three. */
export async function startFarmServers(
  supervisor: Supervisor,
  options: ServersOptions,
): Promise<Connections> {
  const { own } = options;
  const [nats, databaseUrl, s3] = await Promise.all([
    own.nats ?? addNats(supervisor, options),
    own.databaseUrl ?? addPostgres(supervisor, options),
    own.s3 ?? addSeaweedfs(supervisor, options),
  ]);
  return { nats, databaseUrl, s3 };
}

async function addNats(supervisor: Supervisor, options: ServersOptions): Promise<Connections['nats']> {
  const { home, cache, ports, progress } = options;
  const { host, advertised } = options.address;
  const passwords = home.secrets().nats;
  const logFile = freshLog(home, 'nats');
  let [url, publicUrl] = ['', ''];
  await supervisor.add({
    name: 'nats',
    start: async () => {
      const nats = await startNats({
        folder: home.path('nats'),
        logFile,
        cache,
        passwords,
        ports,
        host,
        progress,
      });
      url = nats.url;
      publicUrl = `nats://${urlHost(advertised)}:${new URL(url).port}`;
      return nats;
    },
  });
  const users = Object.fromEntries(ROLES.map((role) => [role, { user: role, password: passwords[role] }]));
  return { url, publicUrl, users: users as Connections['nats']['users'] };
}

async function addPostgres(supervisor: Supervisor, options: ServersOptions): Promise<string> {
  const { home, cache, ports, progress } = options;
  const password = home.secrets().postgres;
  const logFile = freshLog(home, 'postgres');
  let url = '';
  await supervisor.add({
    name: 'postgres',
    start: async () => {
      const folder = home.path('postgres');
      const postgres = await startPostgres({ folder, logFile, cache, password, ports, progress });
      url = postgres.url;
      return postgres;
    },
  });
  return url;
}

async function addSeaweedfs(supervisor: Supervisor, options: ServersOptions): Promise<Connections['s3']> {
  const { home, cache, ports, progress } = options;
  const { s3: identities, seaweed: keys } = home.secrets();
  const logFile = freshLog(home, 's3');
  let endpoint = '';
  await supervisor.add({
    name: 's3',
    start: async () => {
      const folder = home.path('s3');
      const s3 = await startSeaweedfs({
        folder,
        logFile,
        cache,
        bucket: BUCKET,
        identities,
        keys,
        ports,
        progress,
      });
      endpoint = s3.endpoint;
      return s3;
    },
  });
  return { endpoint, publicEndpoint: endpoint, bucket: BUCKET, region: REGION, ...identities };
}

function freshLog(home: FarmHome, name: string): string {
  const file = home.logFile(name);
  rotateLog(file);
  return file;
}

/** Brings the ledger's tables up to date and makes the bucket. */
export async function prepareServers(connections: Connections): Promise<void> {
  const log = createLogger('farm', 'warn');
  const ledger = connectLedger(connections.databaseUrl, log, 1);
  try {
    await migrateLedger(ledger);
  } finally {
    await ledger.destroy();
  }
  const { endpoint, bucket, region, farm } = connections.s3;
  const s3 = createS3Client({ endpoint, bucket, region, ...farm });
  try {
    await makeBucket(s3, bucket);
  } finally {
    s3.destroy();
  }
}

/** Asks first: a key for a bucket of the user's own may be allowed to use it and not to make one. */
async function makeBucket(s3: S3Client, bucket: string): Promise<void> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 404) throw error;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  }
}
