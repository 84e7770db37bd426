import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Look, LookRequest, LookTrouble } from './look-messages.ts';

/** Memory kept for the files to come. */
const MAX_SPARE = 4;
const MAX_SPARE_BYTES = 67_108_864;
/** A file that takes more ends its thread rather than the worker. */
const THREAD_HEAP_MB = 1_024;

interface Job {
  request: Omit<LookRequest, 'spare'>;
  resolve: (look: Look) => void;
  reject: (reason: Error) => void;
}

/**
 * Looks at results in threads: decoding and measuring a large picture takes seconds, in which the worker must go on talking
 * to the farm and to its engines. Threads start as they are needed, and end with the process.
 */
export class FileLooker {
  readonly #maxThreads: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  readonly #spares: ArrayBuffer[] = [];

  /** @param slots of the worker: no more than so many pictures come at once */
  constructor(slots: number) {
    this.#maxThreads = Math.max(1, Math.min(slots, availableParallelism()));
  }

  /**
   * @param signal whoever aborts it waits no longer; a thread that is at the file already comes to its end
   * @throws Error when the file cannot be read, for a reason of this machine; the signal's reason
   */
  look(request: Omit<LookRequest, 'spare'>, signal: AbortSignal): Promise<Look> {
    signal.throwIfAborted();
    return new Promise<Look>((resolve, reject) => {
      const onAbort = (): void => {
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      const job: Job = {
        request,
        resolve: (look) => {
          signal.removeEventListener('abort', onAbort);
          if (signal.aborted && look.memory !== null) this.giveBack(look.memory);
          resolve(look);
        },
        reject: (reason) => {
          signal.removeEventListener('abort', onAbort);
          reject(reason);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(job);
      this.#next();
    });
  }

  /** The memory of a look may be used for another file; nobody may have it any more. */
  giveBack(memory: ArrayBuffer): void {
    if (this.#spares.length < MAX_SPARE && memory.byteLength <= MAX_SPARE_BYTES / MAX_SPARE)
      this.#spares.push(memory);
  }

  #next(): void {
    const job = this.#waiting[0];
    if (!job) return;
    const thread = this.#idle.pop() ?? this.#start();
    if (!thread) return;
    this.#waiting.shift();
    this.#busy.set(thread, job);
    const spare = this.#spares.pop() ?? null;
    thread.postMessage({ ...job.request, spare } satisfies LookRequest, spare === null ? [] : [spare]);
  }

  #start(): Worker | null {
    if (this.#busy.size >= this.#maxThreads) return null;
    const thread = new Worker(new URL('./look-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    });
    // A worker that has nothing else to do ends.
    thread.unref();
    thread.on('message', (answer: Look | LookTrouble) => this.#finish(thread, answer));
    thread.on('error', (error: unknown) => this.#lose(thread, error));
    return thread;
  }

  #finish(thread: Worker, answer: Look | LookTrouble): void {
    const job = this.#busy.get(thread);
    this.#busy.delete(thread);
    this.#idle.push(thread);
    if ('error' in answer) job?.reject(new Error(answer.error));
    else job?.resolve(answer);
    this.#next();
  }

  /** A thread that ended, of too little memory perhaps, takes only its own file with it. */
  #lose(thread: Worker, error: unknown): void {
    const job = this.#busy.get(thread);
    this.#busy.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
    job?.reject(error instanceof Error ? error : new Error(String(error)));
    this.#next();
  }
}
