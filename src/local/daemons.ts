import { fileURLToPath } from 'node:url';
import type { Environment } from '../shared/config/environment.ts';
import { engineVariables } from '../shared/engines/engine-variables.ts';
import type { Connections } from './connections.ts';
import { rotateLog } from './processes/log-files.ts';
import { startProcess, waitUntilReady } from './processes/managed-process.ts';
import type { Service } from './processes/supervisor.ts';
import { baseEnvironment } from './servers/server-environment.ts';

type DaemonRole = 'coordinator' | 'gateway' | 'worker';

export interface DaemonSpec {
  name: string;
  role: DaemonRole;
  connections: Connections;
  /** Variables of this daemon beside those of the servers. */
  variables: Readonly<Record<string, string>>;
  logFile: string;
  folder: string;
  stopTimeoutMs: number;
  /** Succeeds when the daemon is ready. */
  probe: () => Promise<unknown>;
  signal: AbortSignal;
}

/** What a person may set for the daemons of a local farm; everything else of the shell's environment stays outside. */
const PASSED_ON = [
  'FARMHAND_LOG_LEVEL',
  'FARMHAND_ENGINES',
  'FARMHAND_ENGINES_DIR',
  'FARMHAND_QUALITY',
  'FARMHAND_PUSHED_ENGINES',
  'FARMHAND_WEBHOOK_ALLOW',
  'FARMHAND_WORKER_SITE',
  'FARMHAND_WORKER_TAGS',
  'FARMHAND_ROOTS',
  'FARMHAND_WORKER_TIMETABLE',
  'FARMHAND_ASSET_CACHE_BYTES',
  'FARMHAND_DOWNLOAD_LIMIT',
  'FARMHAND_SLOT_MEMORY_BYTES',
  'FARMHAND_MIN_FREE_DISK_BYTES',
  'NODE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
];

/** What `node` runs for a role; the units and images in deploy/ run the same. */
export const daemonScript = (role: DaemonRole): string =>
  fileURLToPath(new URL(`../${role}/main.ts`, import.meta.url));

/** One of `node src/<role>/main.ts` as a process of its own, with its credentials in its environment. */
export function daemonService(spec: DaemonSpec): Service {
  rotateLog(spec.logFile);
  return {
    name: spec.name,
    start: async () => {
      const child = await startProcess({
        name: spec.name,
        command: process.execPath,
        args: [daemonScript(spec.role)],
        env: {
          ...baseEnvironment(),
          ...passedOn(process.env),
          ...serverVariables(spec.role, spec.connections),
          ...spec.variables,
        },
        cwd: spec.folder,
        logFile: spec.logFile,
        stopTimeoutMs: spec.stopTimeoutMs,
      });
      try {
        await waitUntilReady(child, spec.probe, 60_000, spec.signal);
      } catch (error) {
        await child.stop();
        throw error;
      }
      return { process: child, stop: child.stop };
    },
  };
}

function passedOn(environment: Environment): Record<string, string | undefined> {
  return Object.fromEntries(
    [...PASSED_ON, ...engineVariables(environment)].map((name) => [name, environment[name]]),
  );
}

/** The variables by which daemons find the servers, each with its own role's credentials. */
export function serverVariables(role: DaemonRole, connections: Connections): Record<string, string> {
  const { nats, s3, databaseUrl } = connections;
  const keys = role === 'worker' ? s3.worker : s3.farm;
  return {
    NATS_URL: nats.url,
    NATS_USER: nats.users[role].user,
    NATS_PASSWORD: nats.users[role].password,
    // A worker touches no ledger, so it does not learn where one is.
    ...(role === 'worker' ? {} : { DATABASE_URL: databaseUrl }),
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
}

/**
 * Asks `/readyz`.
 * @param token for a process that knows one: asked for something that needs it, so that another farm's process, which
 * took the port in the meantime, is not taken for ours.
 * @throws Error with the checks that fail.
 */
export async function askReady(url: string, token?: string): Promise<void> {
  await ask(`${url}/readyz`, {});
  if (token !== undefined) await ask(`${url}/api/farm`, { authorization: `Bearer ${token}` });
}

async function ask(url: string, headers: Record<string, string>): Promise<void> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(5_000) });
  const body = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${body.trim()}`);
}
