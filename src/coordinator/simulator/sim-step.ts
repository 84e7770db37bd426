import { Heap } from '../planning/heap.ts';
import { MAX_CHUNK } from '../planning/chunk-size.ts';
import type { Needs, StepView } from '../planning/snapshot.ts';
import { chanceAt, drawSeconds } from './random.ts';
import type { TraceJobs } from './trace.ts';

export const MAX_ATTEMPTS = 3;
const PENDING = 0;
const TAKEN = 1;
const ENDED = 2;

/** A job of one step on the simulated farm, with its frames. Checks that no frame is lost or rendered twice. */
export class SimStep implements StepView {
  readonly key: string;
  readonly jobId: string;
  readonly name = 'render';
  readonly project: string;
  readonly owner: string;
  readonly priority: number;
  readonly submittedAtMs: number;
  readonly position = 0;
  readonly targetSeconds: number;
  readonly chunk: StepView['chunk'];
  readonly maxFrames = MAX_CHUNK;
  readonly variantMemoryBytes = null;
  readonly asset: string | null;
  readonly licences: readonly string[];
  readonly jobLimit: number | null;
  readonly preempt: boolean;
  readonly spec: TraceJobs;
  needs: Needs;
  ready: number;
  previewReady: number;
  secondsPerFrame: number | null = null;
  done = 0;
  failed = 0;
  firstStartMs: number | null = null;
  /** When its last frame ended. */
  endedMs: number | null = null;
  /** Slots that a frame takes where it takes the fewest. */
  size: number | undefined;
  readonly #seed: number;
  readonly #index: number;
  readonly #states: Uint8Array;
  readonly #attempts: Uint8Array;
  #next = 0;
  readonly #returned = new Heap<number>([], (a, b) => a < b);
  #secondsDone = 0;

  constructor(spec: TraceJobs, place: { index: number; jobId: string; submittedAtMs: number; seed: number }) {
    this.spec = spec;
    this.#index = place.index;
    this.#seed = place.seed;
    this.key = String(place.index);
    this.jobId = place.jobId;
    this.project = spec.project;
    this.owner = spec.owner;
    this.priority = spec.priority;
    this.submittedAtMs = place.submittedAtMs;
    this.targetSeconds = spec.targetSeconds;
    this.chunk = spec.chunk;
    this.asset = spec.scene === null ? null : place.jobId;
    this.licences = spec.licences;
    this.jobLimit = spec.limit;
    this.preempt = spec.preempt;
    this.needs = needsOf(spec);
    this.ready = spec.frames;
    this.previewReady = Math.min(spec.frames, spec.previewFrames);
    this.#states = new Uint8Array(spec.frames);
    this.#attempts = new Uint8Array(spec.frames);
  }

  get unfinished(): number {
    return this.spec.frames - this.done - this.failed;
  }

  /** Takes the first frames that are ready. */
  take(count: number): number[] {
    const taken: number[] = [];
    while (taken.length < count) {
      const frame =
        this.#returned.removeFirst() ?? (this.#next < this.spec.frames ? this.#next++ : undefined);
      if (frame === undefined) throw new Error(`${this.jobId}: more frames were cut than were ready`);
      this.#turn(frame, PENDING, TAKEN);
      if (frame < this.spec.previewFrames) this.previewReady--;
      taken.push(frame);
    }
    this.ready -= taken.length;
    return taken;
  }

  giveBack(frame: number): void {
    this.#turn(frame, TAKEN, PENDING);
    this.#returned.push(frame);
    this.ready++;
    if (frame < this.spec.previewFrames) this.previewReady++;
  }

  finish(frame: number, seconds: number): void {
    this.#turn(frame, TAKEN, ENDED);
    this.done++;
    this.#secondsDone += seconds;
    this.secondsPerFrame = this.#secondsDone / this.done;
  }

  /** @returns whether the frame has used up its attempts. */
  fail(frame: number): boolean {
    const attempts = (this.#attempts[frame] ?? 0) + 1;
    this.#attempts[frame] = attempts;
    if (attempts < MAX_ATTEMPTS) {
      this.giveBack(frame);
      return false;
    }
    this.#turn(frame, TAKEN, ENDED);
    this.failed++;
    return true;
  }

  /** What rendering the frame takes, however and wherever it is rendered. */
  secondsOf(frame: number): number {
    const a = chanceAt(this.#seed, this.#index, frame, 1);
    return drawSeconds(this.spec.frameSeconds, a, chanceAt(this.#seed, this.#index, frame, 2));
  }

  /** Whether this attempt at the frame fails, half way. */
  fails(frame: number): boolean {
    if (this.spec.failureRate === 0) return false;
    return chanceAt(this.#seed, this.#index, frame, 3 + (this.#attempts[frame] ?? 0)) < this.spec.failureRate;
  }

  #turn(frame: number, from: number, to: number): void {
    if (this.#states[frame] !== from)
      throw new Error(`${this.jobId}: frame ${frame} was lost or is there twice`);
    this.#states[frame] = to;
  }
}

function needsOf({ engine, requires }: TraceJobs): Needs {
  return {
    engine,
    engineVersion: null,
    versionRange: requires.engineVersion ?? null,
    cores: requires.cores ?? null,
    memoryBytes: requires.memory ?? null,
    gpus: requires.gpus ?? 0,
    tags: requires.tags ?? [],
    site: requires.site ?? null,
    preferSite: requires.preferSite ?? null,
    roots: [],
  };
}
