import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FarmHome, type RunState } from '../../src/local/farm-home.ts';
import { startTimeOf } from '../../src/shared/lifecycle/process-identity.ts';

export interface CommandOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

/** A home of its own and the command line in front of it. Whatever runs from it is stopped by `dispose`. */
export class CommandLineFarm {
  readonly folder: string;
  readonly home: FarmHome;

  private constructor(folder: string) {
    this.folder = folder;
    this.home = new FarmHome(join(folder, 'home'));
  }

  static async create(): Promise<CommandLineFarm> {
    return new CommandLineFarm(await mkdtemp(join(tmpdir(), 'farmhand-cli-')));
  }

  /** The environment in which commands find this farm and no other. */
  get env(): NodeJS.ProcessEnv {
    return { ...process.env, FARMHAND_HOME: this.home.folder };
  }

  /** Runs `farmhand <args>` to its end. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const options = { env: { ...this.env, ...env }, cwd: this.folder, maxBuffer: 67_108_864 };
      execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** The state of the farm that runs. @throws Error when none does. */
  state(): RunState {
    const state = this.home.running();
    if (state === undefined) throw new Error(`No farm runs from ${this.home.folder}.`);
    return state;
  }

  async dispose(): Promise<void> {
    await this.run(['down']);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Those of the numbers that are still processes. */
export function stillRunning(pids: readonly number[]): number[] {
  return pids.filter((pid) => startTimeOf(pid) !== undefined);
}

/** Whether anything listens there. */
export function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, host);
    const end = (result: boolean) => () => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
