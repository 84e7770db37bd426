import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface CrowdOrder {
  url: string;
  token: string;
  sockets: number;
  rooms: string[];
}

/** Other people who look at the same farm: sockets in a thread of their own, so that they do not delay what is measured. */
export class Crowd {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves when all have joined their rooms. */
  static async open(order: CrowdOrder): Promise<Crowd> {
    const worker = new Worker(new URL('crowd-worker.ts', import.meta.url), { workerData: order });
    await once(worker, 'message');
    return new Crowd(worker);
  }

  /** Patches that all of them together have got. */
  async patches(): Promise<number> {
    this.#worker.postMessage('count');
    const [count] = (await once(this.#worker, 'message')) as [number];
    return count;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
