import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../shared/config/environment.ts';
import { FarmError, messageOf } from '../shared/domain/errors.ts';
import { isRunning, type ProcessIdentity } from '../shared/lifecycle/process-identity.ts';
import { connectionsSchema } from './connections.ts';
import { generateSecrets, type FarmSecrets } from './secrets.ts';

/** What stands in `run.json` while a farm runs: who supervises it, where it answers, which processes it has. */
const runStateSchema = z.object({
  pid: z.int().positive(),
  startTime: z.string(),
  /** Origin of the gateway, `http://127.0.0.1:7780`; absent until it answers. */
  url: z.string().optional(),
  /** The address that other machines reach; absent when the farm listens on loopback only. */
  host: z.string().optional(),
  connections: connectionsSchema.optional(),
  processes: z.array(
    z.object({
      name: z.string(),
      pid: z.int().nonnegative(),
      startTime: z.string(),
      state: z.enum(['starting', 'running', 'waiting', 'stopped']),
      /** Where it answers `/livez`, `/readyz` and `/metrics`. */
      health: z.string().optional(),
    }),
  ),
});
export type RunState = z.infer<typeof runStateSchema>;

/** The page's address; the token stands in the fragment, which browsers do not send. */
export function dashboardUrl(url: string, token: string): string {
  return `${url}/#token=${token}`;
}

/** Where a farm keeps everything: `FARMHAND_HOME`, else `farmhand` in the XDG data folder. */
export function farmHomeFolder(environment: Environment = process.env): string {
  if (environment['FARMHAND_HOME']) return resolve(environment['FARMHAND_HOME']);
  const base = environment['XDG_DATA_HOME'] ?? '';
  return join(base.startsWith('/') ? base : join(homedir(), '.local', 'share'), 'farmhand');
}

/** The files of one local farm. Folders have mode 0700, files with secrets 0600. */
export class FarmHome {
  readonly folder: string;

  constructor(folder: string = farmHomeFolder()) {
    this.folder = folder;
  }

  get tokenFile(): string {
    return join(this.folder, 'token');
  }

  get portsFile(): string {
    return join(this.folder, 'ports.json');
  }

  get lockFile(): string {
    return join(this.folder, 'lock');
  }

  get #secretsFile(): string {
    return join(this.folder, 'secrets.json');
  }

  get #runFile(): string {
    return join(this.folder, 'run.json');
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  logFile(name: string): string {
    return join(this.folder, 'logs', `${name}.log`);
  }

  /** Makes the folders. @throws FarmError `unavailable` when the home cannot be written. */
  create(): void {
    try {
      mkdirSync(this.path('logs'), { recursive: true, mode: 0o700 });
      chmodSync(this.folder, 0o700);
    } catch (error) {
      throw new FarmError(
        'unavailable',
        `The folder ${this.folder} cannot be used (${messageOf(error)}). Set FARMHAND_HOME to a folder of yours.`,
        { cause: error },
      );
    }
  }

  /** The farm's credentials, made at the first start. @throws FarmError `invalid` when the file was damaged. */
  secrets(): FarmSecrets {
    if (!existsSync(this.#secretsFile)) {
      const secrets = generateSecrets();
      writeSecret(this.#secretsFile, `${JSON.stringify(secrets, null, 2)}\n`);
      writeSecret(this.tokenFile, `${secrets.token}\n`);
      return secrets;
    }
    return parse(this.#secretsFile, readFileSync(this.#secretsFile, 'utf8')) as FarmSecrets;
  }

  /** The token of the farm whose home this is; undefined before its first start. */
  token(): string | undefined {
    return existsSync(this.tokenFile) ? readFileSync(this.tokenFile, 'utf8').trim() : undefined;
  }

  writeRunState(state: RunState): void {
    writeSecret(this.#runFile, `${JSON.stringify(state, null, 2)}\n`);
  }

  removeRunState(): void {
    rmSync(this.#runFile, { force: true });
  }

  /** What the last supervisor wrote, whether it still runs or not. */
  lastRunState(): RunState | undefined {
    if (!existsSync(this.#runFile)) return undefined;
    const result = runStateSchema.safeParse(parse(this.#runFile, readFileSync(this.#runFile, 'utf8')));
    if (result.success) return result.data;
    throw new FarmError(
      'invalid',
      `${this.#runFile} is not what this version of Farmhand writes; remove it.`,
    );
  }

  /** The farm that runs from this home now, or undefined. */
  running(): RunState | undefined {
    const state = this.lastRunState();
    return state !== undefined && isRunning(state) ? state : undefined;
  }

  /** Processes of an earlier supervisor that outlived it. */
  leftovers(): ProcessIdentity[] {
    const state = this.lastRunState();
    if (state === undefined || isRunning(state)) return [];
    return state.processes.filter((process) => process.pid > 0 && isRunning(process));
  }
}

/** Writes beside the file and moves it there: readers see the old or the new content, and never another mode. */
function writeSecret(file: string, content: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, file);
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FarmError('invalid', `${file} is damaged (${messageOf(error)}).`, { cause: error });
  }
}
