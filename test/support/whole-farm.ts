import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Worker } from '../../src/shared/contracts/api.ts';
import type { JobSummary } from '../../src/shared/contracts/messages.ts';
import { isEndedJob } from '../../src/shared/domain/states.ts';
import { FarmHome, type RunState } from '../../src/local/farm-home.ts';
import type { OracleReport } from './oracle-main.ts';
import { processesOf } from './processes.ts';
import { until } from './until.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const ORACLE = join(import.meta.dirname, 'oracle-main.ts');
/** What a shell gives to a farm; nothing by which it could find another one. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'FARMHAND_CACHE', 'XDG_CACHE_HOME', 'NODE_COMPILE_CACHE'];

export interface WholeFarmOptions {
  /** Arguments of `up` beside `--detach`. */
  up?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Put before every command: `ip netns exec <name>`. */
  prefix?: readonly string[];
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A farm as somebody starts it by `farmhand up --detach`, in a home of its own. */
export class WholeFarm {
  readonly folder: string;
  readonly home: FarmHome;
  readonly #options: WholeFarmOptions;

  private constructor(folder: string, options: WholeFarmOptions) {
    this.folder = folder;
    this.home = new FarmHome(join(folder, 'home'));
    this.#options = options;
  }

  static async start(options: WholeFarmOptions = {}): Promise<WholeFarm> {
    const farm = new WholeFarm(await mkdtemp(join(tmpdir(), 'farmhand-test-farm-')), options);
    const { code, stderr } = await farm.cli(['up', '--detach', '--json', ...(options.up ?? [])]);
    if (code !== 0) throw new Error(`The farm did not start: ${stderr}`);
    return farm;
  }

  get state(): RunState {
    const state = this.home.running();
    if (state === undefined) throw new Error('The farm does not run.');
    return state;
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      ...Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
      ...this.#options.environment,
      FARMHAND_HOME: this.home.folder,
    };
  }

  /** Process ids of the farm's own parts whose name begins so: `worker`, `coordinator`, `nats` … */
  pidsOf(name: string): number[] {
    return this.state.processes.flatMap((part) =>
      part.name.startsWith(name) && part.state === 'running' ? [part.pid] : [],
    );
  }

  /** Runs `farmhand …` against this farm. */
  cli(args: readonly string[]): Promise<CommandResult> {
    return run([...(this.#options.prefix ?? []), process.execPath, CLI, ...args], this.environment);
  }

  /** Runs a command with `--json`. @throws Error when it does not end with 0 */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.cli([...args, '--json']);
    if (code !== 0) throw new Error(`farmhand ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as T;
  }

  job(id: string): Promise<JobSummary> {
    return this.json<JobSummary>('job', id);
  }

  workers(): Promise<Worker[]> {
    return this.json<Worker[]>('workers');
  }

  /** The job once it has ended. */
  async ended(id: string, timeoutMs = 90_000): Promise<JobSummary> {
    let job: JobSummary | undefined;
    await until(
      async () => isEndedJob((job = await this.job(id)).state),
      `job ${id} ends (it is ${JSON.stringify(job?.frames)})`,
      timeoutMs,
    );
    return job!;
  }

  /** Processes that engines of this farm's workers are made of; Linux only. */
  engineProcesses(): number[] {
    return processesOf('HOME', join(this.home.folder, 'workers'));
  }

  /** Asks the oracle about the whole farm: nothing may be wrong. @returns every attempt, oldest first */
  async expectNoFaults(): Promise<OracleReport['attempts']> {
    const command = [...(this.#options.prefix ?? []), process.execPath, ORACLE];
    const { code, stdout, stderr } = await run(command, this.environment);
    if (code !== 0) throw new Error(`The oracle ended with ${code}: ${stderr}`);
    const { faults, attempts } = JSON.parse(stdout) as OracleReport;
    expect(faults).toEqual([]);
    return attempts;
  }

  /** Stops it and asserts that no process of it is left. */
  async stop(): Promise<void> {
    const { code, stderr } = await this.cli(['down']);
    const left = [...processesOf('FARMHAND_HOME', this.home.folder), ...this.engineProcesses()];
    await rm(this.folder, { recursive: true, force: true });
    expect({ code, stderr: code === 0 ? '' : stderr, left }).toEqual({ code: 0, stderr: '', left: [] });
  }
}

/** Runs a program to its end and gives what it said. */
export async function run(
  [program, ...args]: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  const child = spawn(program ?? '', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
