import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from './farm-context.ts';

const MAIN = fileURLToPath(new URL('../../src/worker/main.ts', import.meta.url));
/** A worker that has the engine `scripted` as well. */
export const SCRIPTED_MAIN = fileURLToPath(new URL('./scripted-engine-main.ts', import.meta.url));

/** A worker as it runs on a farm: a process of its own. */
export class WorkerProcess {
  readonly output: string[] = [];
  readonly #child: ChildProcess;

  /** @param environment over that of the context; `main` runs another program with the worker's environment */
  constructor(context: TestContext, environment: Record<string, string> = {}, main = MAIN) {
    this.#child = spawn(process.execPath, [main], {
      env: {
        ...context.environmentOf('worker'),
        FARMHAND_WORKER_DIR: join(context.folder, 'worker'),
        FARMHAND_WORKER_SLOTS: '1',
        FARMHAND_MIN_FREE_DISK_BYTES: '1000000',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => void this.output.push(chunk.toString()));
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it and waits. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill(signal);
    await ended;
  }
}
