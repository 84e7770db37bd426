import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { urlHost } from '../shared/config/addresses.ts';
import { workersSchema } from '../shared/contracts/api.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { takeLockFile } from '../shared/lifecycle/lock-file.ts';
import { identityOf, isRunning } from '../shared/lifecycle/process-identity.ts';
import { farmAddress, type FarmAddress } from './addresses.ts';
import { ownServers, type Connections } from './connections.ts';
import { askReady, daemonService } from './daemons.ts';
import { cacheFolder } from './downloads/cache-folder.ts';
import type { Progress } from './downloads/fetch-program.ts';
import { FarmHome, dashboardUrl } from './farm-home.ts';
import { prepareServers, startFarmServers } from './farm-servers.ts';
import { forwardPort } from './forward-port.ts';
import { endProcesses } from './processes/end-processes.ts';
import { Supervisor } from './processes/supervisor.ts';
import { PortBook } from './servers/ports.ts';

const USUAL_GATEWAY_PORT = 7780;
/** A frame under way may take hours; a farm that is stopped does not wait for it longer than this. */
const WORKER_STOP_TIMEOUT_MS = 20_000;
/** So that what is not finished by then is still handed back in order. */
const WORKER_DRAIN_SECONDS = 8;
const DAEMON_STOP_TIMEOUT_MS = 15_000;

export interface LocalFarmOptions {
  /** Default: `FARMHAND_HOME`, else the XDG data folder. */
  home?: string;
  /** Default 1. */
  workers?: number;
  /** Slots of each worker; by default the machine's cores, shared out among its workers. */
  slots?: number;
  /** Address on which NATS, S3 and the gateway are open; loopback by default. */
  host?: string;
  /** The gateway's port; by default the one of the last time, else 7780 when free. */
  port?: number;
  /** Lines for a person: what is fetched, what ended and is started again. */
  progress?: Progress;
  /** Ends a start that is under way. */
  signal?: AbortSignal;
}

export interface LocalFarm {
  home: FarmHome;
  /** Origin of the gateway: `http://127.0.0.1:7780`. */
  url: string;
  token: string;
  connections: Connections;
  /** Stops everything in order. Safe to call twice. */
  stop: () => Promise<void>;
}

/** The home has a farm already. */
export class AlreadyRunningError extends FarmError {
  constructor(home: FarmHome, pid: number) {
    const url = home.running()?.url;
    const where = url === undefined ? 'is being started' : `runs at ${dashboardUrl(url, home.token() ?? '')}`;
    super('conflict', `The farm of ${home.folder} ${where} (process ${pid}).`);
    this.name = 'AlreadyRunningError';
  }
}

/**
 * Starts a whole farm on this machine and resolves when it takes jobs and its workers are there. Its processes end with
 * this one, whatever ends it.
 * @throws AlreadyRunningError; FarmError naming the part that did not start and its log.
 */
export async function startLocalFarm(options: LocalFarmOptions = {}): Promise<LocalFarm> {
  const home = new FarmHome(options.home);
  const address = farmAddress(options.host);
  home.create();
  // By process id and start time, so that a lock from before a reboot holds nobody up either.
  const lock = takeLockFile(home.lockFile, identityOf(process.pid), isRunning);
  if ('holder' in lock) throw new AlreadyRunningError(home, lock.holder.pid);
  const farm = new StartingFarm(home, address, options);
  const stop = once(async () => {
    await farm.stop();
    lock.release();
  });
  try {
    const { url, connections } = await farm.start();
    return { home, url, token: home.secrets().token, connections, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => (result ??= action());
}

class StartingFarm {
  readonly #home: FarmHome;
  readonly #address: FarmAddress;
  readonly #options: LocalFarmOptions;
  readonly #supervisor: Supervisor;
  readonly #ports: PortBook;
  readonly #signal: AbortSignal;
  readonly #forwarders: { stop: () => Promise<void> }[] = [];
  readonly #identity = identityOf(process.pid);
  #known: { url?: string; connections?: Connections } = {};
  readonly #healthUrls: Record<string, string> = {};

  constructor(home: FarmHome, address: FarmAddress, options: LocalFarmOptions) {
    this.#home = home;
    this.#address = address;
    this.#options = options;
    this.#ports = new PortBook(home.portsFile);
    this.#signal = options.signal ?? new AbortController().signal;
    this.#supervisor = new Supervisor(
      (line) => this.#say(line),
      () => this.#writeState(),
    );
  }

  async start(): Promise<{ url: string; connections: Connections }> {
    await endProcesses(this.#home.leftovers(), 10_000);
    this.#writeState();
    // Said before anything is started or fetched.
    if (this.#options.port !== undefined)
      await this.#ports.takeExactly('gateway', this.#options.port, this.#address.host);
    const cache = cacheFolder();
    const own = ownServers(process.env);
    const servers = await startFarmServers(this.#supervisor, {
      home: this.#home,
      cache,
      ports: this.#ports,
      address: this.#address,
      own,
      progress: (line) => this.#say(line),
    });
    this.#signal.throwIfAborted();
    const connections = own.s3 === undefined ? await this.#openS3(servers) : servers;
    this.#known = { connections };
    await prepareServers(connections);
    this.#signal.throwIfAborted();
    await this.#startCoordinator(connections);
    const [url] = await Promise.all([
      this.#startGateway(connections),
      this.#startWorkers(connections, cache),
    ]);
    await this.#waitForWorkers(url);
    this.#known = { url, connections };
    this.#writeState();
    return { url, connections };
  }

  async stop(): Promise<void> {
    const names = this.#supervisor.reports.map((report) => report.name);
    const workers = names.filter((name) => name.startsWith('worker'));
    await this.#supervisor.stop([workers, ['gateway'], ['coordinator'], ['nats', 'postgres', 's3']]);
    await Promise.all(this.#forwarders.map((forwarder) => forwarder.stop()));
    this.#home.removeRunState();
  }

  /** Opens the S3 port, and only that of SeaweedFS's, on the address that was asked for. */
  async #openS3(connections: Connections): Promise<Connections> {
    if (this.#address.isLoopback) return connections;
    const target = Number(new URL(connections.s3.endpoint).port);
    const port = await this.#ports.take('s3Public', this.#address.host);
    this.#forwarders.push(await forwardPort(this.#address.host, port, target));
    const publicEndpoint = `http://${urlHost(this.#address.advertised)}:${port}`;
    return { ...connections, s3: { ...connections.s3, publicEndpoint } };
  }

  async #startCoordinator(connections: Connections): Promise<void> {
    await this.#ports.startWithFreePorts('coordinatorHealth', async () => {
      const port = await this.#healthPort('coordinator');
      await this.#supervisor.add(
        daemonService({
          ...this.#daemon('coordinator', 'coordinator', connections),
          variables: { FARMHAND_HEALTH_PORT: String(port) },
          probe: () => askReady(`http://127.0.0.1:${port}`),
        }),
      );
    });
  }

  /** Where a daemon answers `/livez`, `/readyz` and `/metrics`: always on the loopback address. */
  async #healthPort(daemon: string): Promise<number> {
    const port = await this.#ports.take(`${daemon}Health`);
    this.#healthUrls[daemon] = `http://127.0.0.1:${port}`;
    return port;
  }

  async #startGateway(connections: Connections): Promise<string> {
    const { host } = this.#address;
    const { port } = this.#options;
    if (port !== undefined)
      return this.#addGateway(connections, await this.#ports.takeExactly('gateway', port, host));
    return this.#ports.startWithFreePorts('gateway', async () =>
      this.#addGateway(
        connections,
        await this.#ports.take('gateway', host, { preferred: USUAL_GATEWAY_PORT }),
      ),
    );
  }

  async #addGateway(connections: Connections, port: number): Promise<string> {
    const { host, advertised } = this.#address;
    const url = `http://${urlHost(advertised)}:${port}`;
    await this.#supervisor.add(
      daemonService({
        ...this.#daemon('gateway', 'gateway', connections),
        variables: {
          FARMHAND_HEALTH_PORT: String(await this.#healthPort('gateway')),
          FARMHAND_GATEWAY_HOST: host,
          FARMHAND_GATEWAY_PORT: String(port),
          FARMHAND_TOKEN_FILE: this.#home.tokenFile,
          FARMHAND_S3_PUBLIC_ENDPOINT: connections.s3.publicEndpoint,
          FARMHAND_ALLOWED_HOSTS: advertised,
        },
        probe: () => askReady(url, this.#home.secrets().token),
      }),
    );
    return url;
  }

  async #startWorkers(connections: Connections, cache: string): Promise<void> {
    const count = this.#options.workers ?? 1;
    const slots = this.#options.slots ?? Math.max(1, Math.floor(availableParallelism() / Math.max(1, count)));
    // One folder for all: each claims a place of its own in it, from which it has its id, and they share the asset cache.
    const folder = this.#home.path('workers');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const name = `worker-${index + 1}`;
        const spec = this.#daemon(name, 'worker', connections);
        await this.#supervisor.add(
          daemonService({
            ...spec,
            stopTimeoutMs: WORKER_STOP_TIMEOUT_MS,
            variables: {
              FARMHAND_HEALTH_PORT: String(await this.#healthPort(name)),
              FARMHAND_WORKER_DIR: folder,
              FARMHAND_WORKER_SLOTS: String(slots),
              FARMHAND_DRAIN_SECONDS: String(WORKER_DRAIN_SECONDS),
              FARMHAND_CACHE: cache,
            },
            // Whether it is ready shows in the farm's list of workers, which is asked when all are started.
            probe: () => Promise.resolve(),
          }),
        );
      }),
    );
  }

  #daemon(name: string, role: 'coordinator' | 'gateway' | 'worker', connections: Connections) {
    return {
      name,
      role,
      connections,
      logFile: this.#home.logFile(name),
      folder: this.#home.folder,
      stopTimeoutMs: DAEMON_STOP_TIMEOUT_MS,
      signal: this.#signal,
    };
  }

  async #waitForWorkers(url: string): Promise<void> {
    const wanted = this.#supervisor.reports.filter((report) => report.name.startsWith('worker')).length;
    const end = Date.now() + 60_000;
    for (;;) {
      this.#signal.throwIfAborted();
      const here = await countWorkers(url, this.#home.secrets().token, this.#supervisor);
      if (here >= wanted) return;
      if (Date.now() > end)
        throw new FarmError(
          'unavailable',
          `${here} of ${wanted} workers reported within 60 s. Their logs are in ${this.#home.path('logs')}.`,
        );
      await pause(100);
    }
  }

  #say(line: string): void {
    this.#options.progress?.(line);
  }

  #writeState(): void {
    const host = this.#address.isLoopback ? {} : { host: this.#address.advertised };
    const processes = this.#supervisor.reports.map((report) => {
      const health = this.#healthUrls[report.name];
      return health === undefined ? report : { ...report, health };
    });
    this.#home.writeRunState({ ...this.#identity, ...host, ...this.#known, processes });
  }
}

/** How many of this farm's worker processes the coordinator knows. */
async function countWorkers(url: string, token: string, supervisor: Supervisor): Promise<number> {
  const response = await fetch(`${url}/api/workers`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok)
    throw new FarmError('unavailable', `The gateway answers ${response.status} to /api/workers.`);
  const pids = new Set(supervisor.reports.map((report) => report.pid));
  const { workers } = workersSchema.parse(await response.json());
  return workers.filter((worker) => pids.has(worker.pid) && ['idle', 'busy'].includes(worker.state)).length;
}
