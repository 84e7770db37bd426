import type { GroupView, Reservation, WorkerView } from '../planning/snapshot.ts';
import type { SimStep } from './sim-step.ts';
import type { SimTask } from './sim-task.ts';
import type { TraceGroup } from './trace.ts';

/** A worker of the simulated farm: it takes big tasks first, then those for it alone, then those of its group. */
export class SimWorker implements WorkerView {
  readonly id: string;
  readonly group: SimGroup;
  readonly warm = new Set<string>();
  readonly cached = new Set<string>();
  readonly running = new Set<SimTask>();
  readonly home: SimTask[] = [];
  readonly big: SimTask[] = [];
  reserving: Reservation | null = null;
  gone = false;
  /** It stands in its group's list of those that have room. */
  listed = false;
  used = 0;
  #bigSlots = 0;

  constructor(id: string, group: SimGroup) {
    this.id = id;
    this.group = group;
  }

  get freeSlots(): number {
    return Math.max(0, this.group.slots - this.used - this.#bigSlots);
  }

  get homeQueued(): number {
    return this.home.length;
  }

  /** What it will take next of what waits for it or its group; taken out of where it waits. */
  next(): SimTask | undefined {
    const free = this.group.slots - this.used;
    const [big] = this.big;
    if (big) {
      if (big.slots > free) return undefined;
      this.#bigSlots -= big.slots;
      return this.big.shift();
    }
    if (free === 0) return undefined;
    if (this.home.length > 0) return this.home.shift();
    return this.reserving === null ? this.group.queue.shift() : undefined;
  }

  addBig(task: SimTask): void {
    this.big.push(task);
    this.#bigSlots += task.slots;
  }

  begin(task: SimTask): void {
    this.used += task.slots;
    if (this.used > this.group.slots) throw new Error(`${this.id} was given more than it has`);
    this.running.add(task);
  }

  end(task: SimTask): void {
    this.used -= task.slots;
    this.running.delete(task);
  }

  /** Loads the step's scene, and forgets those that were used longest ago. @returns seconds that it takes. */
  load({ asset, spec }: SimStep): number {
    if (asset === null || spec.scene === null) return 0;
    const fetch = this.cached.has(asset) ? 0 : spec.scene.fetchSeconds;
    const load = this.warm.has(asset) ? 0 : spec.scene.loadSeconds;
    use(this.cached, asset, this.group.spec.cachedScenes);
    use(this.warm, asset, this.group.spec.warmScenes);
    return fetch + load;
  }
}

function use(kept: Set<string>, asset: string, most: number): void {
  kept.delete(asset);
  kept.add(asset);
  for (const oldest of kept) {
    if (kept.size <= most) break;
    kept.delete(oldest);
  }
}

/** Interchangeable workers of the simulated farm with what waits for any of them. */
export class SimGroup implements GroupView {
  readonly id: string;
  readonly spec: TraceGroup;
  readonly engines: ReadonlyMap<string, string>;
  readonly site: string | null;
  readonly tags: ReadonlySet<string>;
  readonly roots: ReadonlySet<string> = new Set();
  readonly slots: number;
  readonly coresPerSlot: number;
  readonly memoryBytesPerSlot: number;
  readonly gpus: number;
  readonly workers: SimWorker[] = [];
  readonly queue = new Fifo<SimTask>();
  readonly withRoom = new Fifo<SimWorker>();
  window = 0;

  constructor(spec: TraceGroup) {
    this.spec = spec;
    this.id = spec.name;
    this.engines = new Map(Object.entries(spec.engines));
    this.site = spec.site;
    this.tags = new Set(spec.tags);
    this.slots = spec.slots;
    this.coresPerSlot = spec.coresPerSlot;
    this.memoryBytesPerSlot = spec.memoryPerSlot;
    this.gpus = spec.gpus;
  }
}

/** First in, first out, in constant time. */
export class Fifo<T> {
  #items: T[] = [];
  #first = 0;

  get length(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#first++];
    if (this.#first > 1_000 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Takes one out from wherever it stands. @returns whether it was there. */
  remove(item: T): boolean {
    const index = this.#items.indexOf(item, this.#first);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    return true;
  }
}
