import { freemem, hostname, loadavg } from 'node:os';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { DetectedEngine, Heartbeat } from '../../shared/contracts/messages.ts';
import { workerStatusSubject } from '../../shared/contracts/subjects.ts';

const EVERY_MS = 2_000;
/** Changes come in bursts when frames are quick; so often at most are they told at once. */
const CHANGE_GAP_MS = 250;

/** What changes; the rest of a heartbeat is the machine's. */
export interface WorkerSnapshot {
  state: Heartbeat['state'];
  engines: readonly DetectedEngine[];
  roots: readonly string[];
  lanes: readonly string[];
  attempts: Heartbeat['attempts'];
  warmSessions: readonly string[];
  warmAssets: readonly string[];
  cachedAssets: readonly string[];
  hits: { warm: number; cold: number };
  pause: Heartbeat['pause'];
  orders: Heartbeat['orders'];
  cacheBytes: number;
  problems: readonly string[];
}

export interface HeartbeatOptions {
  workerId: string;
  instance: string;
  slots: number;
  cores: number;
  /** Of this machine, or what a container may use of it. */
  memoryBytes: number;
  gpus: Heartbeat['gpus'];
  site: string | null;
  tags: readonly string[];
  publish: (subject: string, body: Uint8Array) => void;
  snapshot: () => WorkerSnapshot;
}

/** Tells the farm every two seconds, and at once after a change, that the worker lives and what it does. */
export class HeartbeatLoop {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #lastAt = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(): void {
    this.beat();
  }

  /** Something changed that the farm should know soon. */
  touch(): void {
    const wait = this.#lastAt + CHANGE_GAP_MS - performance.now();
    if (wait <= 0) this.beat();
    else this.#schedule(wait);
  }

  /** Sends one now. */
  beat(): void {
    const { workerId, publish } = this.#options;
    publish(workerStatusSubject(workerId), encodeMessage(this.#message()));
    this.#lastAt = performance.now();
    this.#schedule(EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.beat(), ms);
  }

  #message(): Heartbeat {
    const { workerId, instance, slots, cores, memoryBytes, gpus, site, tags, snapshot } = this.#options;
    const now = snapshot();
    return {
      version: 1,
      workerId,
      instance,
      host: hostname().slice(0, 255),
      pid: process.pid,
      platform: `${process.platform}-${process.arch}`,
      slots,
      cores,
      memoryBytes,
      freeMemoryBytes: freemem(),
      load: loadavg()[0] ?? 0,
      gpus,
      site,
      tags: [...tags],
      state: now.state,
      pause: now.pause,
      orders: now.orders,
      engines: [...now.engines],
      roots: now.roots.slice(0, 256),
      lanes: [...now.lanes],
      attempts: now.attempts,
      warmSessions: now.warmSessions.slice(0, 256),
      warmAssets: now.warmAssets.slice(0, 256),
      cachedAssets: now.cachedAssets.slice(0, 1_024),
      sessionHits: now.hits.warm,
      sessionMisses: now.hits.cold,
      cacheBytes: now.cacheBytes,
      problems: [...now.problems],
    };
  }
}
