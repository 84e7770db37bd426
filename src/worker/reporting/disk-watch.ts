import { statfs } from 'node:fs/promises';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Problems } from './problems.ts';

const EVERY_MS = 2_000;
const DISK_PROBLEM = 'disk';

/** Looks after the disk's free space; without enough the worker says so and takes no further task. */
export class DiskWatch {
  readonly #folder: string;
  readonly #minFreeBytes: number;
  readonly #problems: Problems;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string, minFreeBytes: number, problems: Problems) {
    this.#folder = folder;
    this.#minFreeBytes = minFreeBytes;
    this.#problems = problems;
  }

  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether there was room at the last look. */
  get hasRoom(): boolean {
    return !this.#problems.has(DISK_PROBLEM);
  }

  /** Looks now. @returns whether there is too little room */
  async isFull(): Promise<boolean> {
    await this.look();
    return this.#problems.has(DISK_PROBLEM);
  }

  async look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#folder);
      const free = bavail * bsize;
      if (free >= this.#minFreeBytes) this.#problems.clear(DISK_PROBLEM);
      else {
        const [have, need] = [free, this.#minFreeBytes].map((bytes) => Math.floor(bytes / 1_000_000));
        this.#problems.set(
          DISK_PROBLEM,
          `Only ${have} MB of disk are free in ${this.#folder}; below ${need} MB this worker takes no tasks.`,
        );
      }
    } catch (error) {
      this.#problems.set(DISK_PROBLEM, `The worker folder cannot be looked at: ${messageOf(error)}`);
    }
  }
}
