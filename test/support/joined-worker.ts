import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { processesOf } from './processes.ts';
import type { WholeFarm } from './whole-farm.ts';
import { until } from './until.ts';

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');

/** A worker that joined a farm by its invitation, as on another machine: a home of its own, nothing else shared. */
export class JoinedWorker {
  readonly id: string;
  readonly #home: string;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(id: string, home: string, child: ChildProcess) {
    this.id = id;
    this.#home = home;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** @param prefix puts it elsewhere: `ip netns exec <name>`. Resolves when the farm lists it with its lanes. */
  static async start(farm: WholeFarm, id: string, prefix: readonly string[]): Promise<JoinedWorker> {
    const home = join(farm.folder, id);
    mkdirSync(home, { mode: 0o700 });
    const invitation = join(home, 'join.json');
    writeFileSync(invitation, (await farm.cli(['invite'])).stdout, { mode: 0o600 });
    const [program, ...args] = [
      ...prefix,
      process.execPath,
      CLI,
      'worker',
      '--join',
      invitation,
      '--slots',
      '1',
    ];
    const worker = new JoinedWorker(
      id,
      home,
      spawn(program, args, {
        env: { ...farm.environment, FARMHAND_HOME: home, FARMHAND_WORKER_ID: id },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    await until(
      async () => {
        if (worker.#child.exitCode !== null) throw new Error(`The worker ended: ${worker.#output}`);
        const workers = await farm.workers();
        return workers.some((one) => one.id === id && one.state === 'idle' && one.lanes.length > 0);
      },
      `the farm lists ${id}`,
      30_000,
    );
    return worker;
  }

  /** Processes that it and its engines are made of; Linux only. */
  processes(): number[] {
    return [...processesOf('FARMHAND_HOME', this.#home), ...processesOf('HOME', this.#home)];
  }

  /** Ends it as Ctrl-C does and asserts that nothing of it is left. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGINT');
      await ended;
    }
    expect(this.processes()).toEqual([]);
  }
}
