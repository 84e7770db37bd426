import type { FrameRef, FrameResult, Heartbeat, TaskMessage } from '../../shared/contracts/messages.ts';
import { attemptId } from '../../shared/domain/ids.ts';
import type { TaskDelivery } from './task-delivery.ts';

/** The frame that is being rendered. */
export interface CurrentFrame {
  number: number;
  /** On the monotonic clock of this process. */
  startedAtMs: number;
  /** How much of it is done, 0–1, as far as the engine has told. */
  fraction: number;
  /** Ends this frame only. */
  abort: AbortController;
}

/** What an engine says at the very beginning tells nothing of how long the rest will take. */
const TELLING_FRACTION = 0.05;

/** One delivery of one task to this worker, and what has become of its frames so far. */
export class Attempt {
  readonly id: string;
  readonly task: TaskMessage;
  readonly delivery: number;
  /** Deliveries of the same feed that came while it was in hand; the end acks them all. */
  readonly deliveries: TaskDelivery[];
  current: CurrentFrame | null = null;
  /** In hand, and not begun: it waits for slots. */
  waiting = false;
  /** Frames may be done or running elsewhere by now: the farm is asked which before it begins. */
  isUnsure: boolean;
  /** No further frame may begin. */
  isInterrupted = false;
  readonly #done = new Map<number, FrameResult>();
  readonly #dropped = new Set<number>();
  readonly #stop = new AbortController();
  #release: string | null = null;

  constructor(task: TaskMessage, delivery: TaskDelivery) {
    this.task = task;
    this.delivery = delivery.count;
    this.id = attemptId(task.taskId, task.feed, this.delivery);
    this.deliveries = [delivery];
    this.isUnsure = task.resume || delivery.count > 1;
  }

  /** Aborted when everything of the attempt is to end now. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Why the rest is given back; null while the attempt goes on. */
  get releaseReason(): string | null {
    return this.#release;
  }

  /** What is delivered, in the order of the task. */
  get done(): FrameResult[] {
    return this.task.frames.flatMap(({ number }) => this.#done.get(number) ?? []);
  }

  /** Frames that are neither delivered nor left out, in their order. */
  get openFrames(): FrameRef[] {
    return this.task.frames.filter(({ number }) => !this.#done.has(number) && !this.#dropped.has(number));
  }

  addDone(result: FrameResult): void {
    this.#done.set(result.number, result);
  }

  isDropped(frame: number): boolean {
    return this.#dropped.has(frame);
  }

  /** Frames that come after one and are still wanted, in their order. */
  framesAfter(frame: number): number[] {
    const numbers = this.task.frames.map(({ number }) => number);
    return numbers.slice(numbers.indexOf(frame) + 1).filter((number) => !this.isDropped(number));
  }

  /** Somebody else has or renders these frames: leave them out, the one under way as well. */
  drop(frames: Iterable<number>): void {
    for (const frame of frames) {
      this.#dropped.add(frame);
      if (this.current?.number === frame) this.current.abort.abort();
    }
  }

  /** Leaves out every frame that is not in `wanted`. */
  keepOnly(wanted: readonly number[]): void {
    const set = new Set(wanted);
    this.drop(this.openFrames.map(({ number }) => number).filter((number) => !set.has(number)));
  }

  /** The frame under way is finished, the rest given back. */
  release(reason: string): void {
    this.#release ??= reason;
  }

  /** The frame under way ends now and is given back with the rest; what is rendered already is still delivered. */
  interrupt(reason: string): void {
    this.release(reason);
    this.isInterrupted = true;
    this.current?.abort.abort();
  }

  /** The frame under way is so far, 0–1. */
  noteProgress(frame: number, fraction: number): void {
    if (this.current?.number === frame) this.current.fraction = fraction;
  }

  /**
   * Seconds until its engine will be free, by what its frames took so far and by what the engine says of the present one;
   * undefined while neither tells anything.
   */
  secondsLeft(nowMs: number): number | undefined {
    if (!this.current) return undefined;
    const { startedAtMs, fraction, number } = this.current;
    const elapsed = (nowMs - startedAtMs) / 1_000;
    const byProgress = fraction >= TELLING_FRACTION ? elapsed / fraction : undefined;
    const before = [...this.#done.values()];
    const mean =
      before.length === 0 ? undefined : before.reduce((sum, { seconds }) => sum + seconds, 0) / before.length;
    const perFrame = mean ?? byProgress;
    if (perFrame === undefined) return undefined;
    const behind = this.task.frames.slice(this.task.frames.findIndex((frame) => frame.number === number) + 1);
    const notBegun = behind.filter((frame) => !this.#dropped.has(frame.number)).length;
    return Math.max(0, (byProgress ?? perFrame) - elapsed) + notBegun * perFrame;
  }

  /** The engine ends now; what is delivered already stays delivered. */
  stop(reason: string): void {
    this.#release ??= reason;
    this.#stop.abort(new AttemptStopped(reason));
  }

  toHeartbeat(nowMs: number): Heartbeat['attempts'][number] {
    const { taskId, jobId } = this.task;
    const frameSeconds = this.current ? (nowMs - this.current.startedAtMs) / 1000 : 0;
    return {
      attempt: this.id,
      taskId,
      jobId,
      frame: this.current?.number ?? null,
      frameSeconds,
      slots: this.task.slots,
      waiting: this.waiting,
    };
  }
}

/** Thrown out of whatever an attempt was doing when it was told to stop. */
export class AttemptStopped extends Error {
  override name = 'AttemptStopped';
}
