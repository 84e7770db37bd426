import { readFileSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { connect, errors } from 'nats';
import { cacheFolder } from '../local/downloads/cache-folder.ts';
import { decodeJson, parseWith } from '../shared/contracts/decode.ts';
import { joinSchema, type Join } from '../shared/contracts/join.ts';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { engineVariables } from '../shared/engines/engine-variables.ts';
import { inboxPrefix } from '../shared/messaging/permissions.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { UnreachableError, UsageError, type ExitCode } from './support/exit-codes.ts';
import { wholeNumber } from './support/parse-options.ts';

interface WorkerOptions extends CommonOptions {
  join: string;
  slots?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** What a person may set for this worker; the invitation brings the rest. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'FARMHAND_LOG_LEVEL',
  'FARMHAND_ENGINES',
  'FARMHAND_PUSHED_ENGINES',
  'FARMHAND_WORKER_ID',
  'FARMHAND_WORKER_SITE',
  'FARMHAND_WORKER_TAGS',
  'FARMHAND_ROOTS',
  'FARMHAND_WORKER_TIMETABLE',
  'FARMHAND_ASSET_CACHE_BYTES',
  'FARMHAND_DOWNLOAD_LIMIT',
  'FARMHAND_SLOT_MEMORY_BYTES',
  'FARMHAND_DRAIN_SECONDS',
  'FARMHAND_MIN_FREE_DISK_BYTES',
  'NODE_COMPILE_CACHE',
];

export function registerWorker(program: Command): void {
  addCommonOptions(
    program
      .command('worker')
      .description(
        'Render on this machine for the farm that an invitation names. Ctrl-C ends it after the frames under way.',
      )
      .requiredOption('--join <file>', 'what "farmhand invite" printed on the farm\'s machine')
      .option('--slots <n>', 'frames to render at once (default: one a core)', wholeNumber(1, 4_096)),
  ).action((options: WorkerOptions) => runCommand(options, (context) => renderFor(options, context)));
}

async function renderFor(options: WorkerOptions, { out }: CommandContext): Promise<ExitCode> {
  const invitation = readJoin(options.join);
  const folder = workerFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await assertReachable(invitation);
  out.note(`Rendering for the farm "${invitation.farm}". Ctrl-C ends it after the frames under way.`);
  const { farm, natsUrl } = invitation;
  await out.result({ farm, natsUrl, pid: process.pid, folder }, () => `joined ${farm} at ${natsUrl}`);
  return becomeWorker(invitation, folder, options.slots);
}

/** @throws UsageError for a file that is not an invitation */
function readJoin(file: string): Join {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`The invitation ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const what = `The invitation ${file}`;
  return parseWith(joinSchema, decodeJson(bytes, { what, maxBytes: 65_536 }), what);
}

/** Scratch and asset cache: `FARMHAND_WORKER_DIR`, else `farmhand-worker` in the XDG data folder. */
function workerFolder(): string {
  const named = process.env['FARMHAND_WORKER_DIR'];
  if (named) return resolve(named);
  const base = process.env['XDG_DATA_HOME'] ?? '';
  return join(base.startsWith('/') ? base : join(homedir(), '.local', 'share'), 'farmhand-worker');
}

/**
 * A worker waits for its farm however long it is away; a person who has just typed an address wants to know.
 * @throws UnreachableError; FarmError `refused` when the farm does not take the credentials
 */
async function assertReachable({ natsUrl, natsUser, natsPassword }: Join): Promise<void> {
  try {
    const connection = await connect({
      servers: natsUrl,
      user: natsUser,
      pass: natsPassword,
      inboxPrefix: inboxPrefix('worker'),
      timeout: CONNECT_TIMEOUT_MS,
      reconnect: false,
      noAsyncTraces: true,
    });
    await connection.close();
  } catch (error) {
    if (error instanceof errors.AuthorizationError)
      throw new FarmError(
        'refused',
        'The farm does not take this invitation; ask for a new one: farmhand invite',
        {
          cause: error,
        },
      );
    throw new UnreachableError(`The farm does not answer at ${natsUrl}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * The worker takes this process's place, so that signals reach it and nothing stands between it and its supervisor. Its
 * log goes to stderr; stdout has had the result. Credentials travel in the environment, never in arguments.
 */
function becomeWorker({ natsUrl, natsUser, natsPassword, s3 }: Join, folder: string, slots?: number): never {
  const passedOn = [...PASSED_ON, ...engineVariables(process.env)].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const main = fileURLToPath(new URL('../worker/main.ts', import.meta.url));
  // Node calls execve experimental and would say so here.
  process.removeAllListeners('warning');
  if (!process.execve) throw new FarmError('unavailable', 'Node 24 or newer is needed to run a worker.');
  return process.execve('/bin/sh', ['sh', '-c', 'exec "$@" >&2', 'farmhand-worker', process.execPath, main], {
    ...Object.fromEntries(passedOn),
    NATS_URL: natsUrl,
    NATS_USER: natsUser,
    NATS_PASSWORD: natsPassword,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    FARMHAND_WORKER_DIR: folder,
    FARMHAND_CACHE: cacheFolder(),
    ...(slots === undefined ? {} : { FARMHAND_WORKER_SLOTS: String(slots) }),
  });
}
