import type { Needs, TaskView } from '../planning/snapshot.ts';
import type { SimStep } from './sim-step.ts';
import type { SimWorker } from './sim-worker.ts';

/** A task on the simulated farm. */
export class SimTask implements TaskView {
  readonly key: string;
  readonly step: SimStep;
  readonly group: string;
  readonly slots: number;
  readonly frames: readonly number[];
  /** Place in the list of open tasks. */
  index = 0;
  state: 'queued' | 'running' = 'queued';
  runner: SimWorker | null = null;
  releasing = false;
  /** Of each frame that it will render: when it is done; the last one fails if `failing`. */
  ends: number[] = [];
  failing = false;
  /** Raised when its end is moved: an older end does not count. */
  version = 0;
  #sinceMs: number;
  readonly #home: SimWorker | null;
  readonly #now: () => number;

  constructor(
    parts: {
      key: string;
      step: SimStep;
      group: string;
      slots: number;
      frames: readonly number[];
      home: SimWorker | null;
    },
    now: () => number,
  ) {
    this.key = parts.key;
    this.step = parts.step;
    this.group = parts.group;
    this.slots = parts.slots;
    this.frames = parts.frames;
    this.#home = parts.home;
    this.#now = now;
    this.#sinceMs = now();
  }

  get stepKey(): string {
    return this.step.key;
  }
  get jobId(): string {
    return this.step.jobId;
  }
  get project(): string {
    return this.step.project;
  }
  get owner(): string {
    return this.step.owner;
  }
  get engine(): string {
    return this.step.needs.engine;
  }
  get licences(): readonly string[] {
    return this.step.licences;
  }
  get priority(): number {
    return this.step.priority;
  }
  get secondsPerFrame(): number | null {
    return this.step.secondsPerFrame;
  }
  get needs(): Needs {
    return this.step.needs;
  }
  get jobLimit(): number | null {
    return this.step.jobLimit;
  }
  get preempt(): boolean {
    return this.step.preempt;
  }
  get adaptive(): boolean {
    return this.step.chunk === 'auto';
  }
  get worker(): string | null {
    return (this.runner ?? this.#home)?.id ?? null;
  }
  get home(): SimWorker | null {
    return this.#home;
  }
  get ageMs(): number {
    return this.#now() - this.#sinceMs;
  }
  get framesLeft(): number {
    return this.frames.length - (this.state === 'running' ? this.framesDone() : 0);
  }

  /** @param startMs when its first frame begins: after the scene was fetched and loaded. */
  start(worker: SimWorker, startMs: number): void {
    this.state = 'running';
    this.runner = worker;
    this.#sinceMs = this.#now();
    let at = startMs;
    for (const frame of this.frames) {
      const seconds = this.step.secondsOf(frame);
      this.failing = this.step.fails(frame);
      at += (this.failing ? seconds / 2 : seconds) * 1_000;
      this.ends.push(at);
      if (this.failing) break;
    }
  }

  /** Ends with the frame under way. */
  release(): void {
    this.releasing = true;
    const under = Math.min(this.ends.length - 1, this.framesDone());
    if (under === this.ends.length - 1) return;
    this.ends.length = under + 1;
    this.failing = false;
    this.version++;
  }

  /** Frames that are done by now. */
  framesDone(): number {
    const now = this.#now();
    let [low, high] = [0, this.ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] ?? Infinity) <= now) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
