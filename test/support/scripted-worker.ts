import { jetstream, type JetStreamClient, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../src/shared/contracts/decode.ts';
import {
  taskMessageSchema,
  workerControlSchema,
  type FailureClass,
  type FrameRef,
  type FrameResult,
  type Heartbeat,
  type ResumeReply,
  type TaskMessage,
  type TaskStatus,
  type WorkerControl,
} from '../../src/shared/contracts/messages.ts';
import {
  askSubject,
  taskStatusSubject,
  workerControlSubject,
  workerStatusSubject,
} from '../../src/shared/contracts/subjects.ts';
import { attemptId } from '../../src/shared/domain/ids.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import { resultFile, resultKey } from '../../src/shared/storage/keys.ts';
import { heartbeatOf } from './heartbeat.ts';

const SHA = 'a'.repeat(64);
const HEARTBEAT_MS = 1_000;

type StatusBody = TaskStatus extends infer S ? (S extends TaskStatus ? Omit<S, keyof Placed> : never) : never;
type Placed = Pick<TaskStatus, 'version' | 'attempt' | 'feed' | 'delivery' | 'step' | 'instance'>;

/** One delivery of one task, as a test handles it. */
export class HeldTask {
  readonly task: TaskMessage;
  readonly message: JsMsg;
  readonly attempt: string;
  readonly #worker: ScriptedWorker;

  constructor(worker: ScriptedWorker, message: JsMsg) {
    this.task = decodeMessage(taskMessageSchema, message.data, 'The task');
    this.message = message;
    this.#worker = worker;
    this.attempt = attemptId(this.task.taskId, this.task.feed, message.info.deliveryCount);
  }

  get frames(): number[] {
    return this.task.frames.map((frame) => frame.number);
  }

  result(frame: FrameRef, changes: Partial<FrameResult> = {}): FrameResult {
    const { task } = this;
    const key =
      task.engine === 'null'
        ? null
        : resultKey({
            jobId: task.jobId,
            step: task.step,
            attempt: this.attempt,
            file: resultFile('main', frame.number, task.output.format),
          });
    return {
      number: frame.number,
      generation: frame.generation,
      seconds: 0.01,
      peakMemoryBytes: 1_000_000,
      outputs: [{ name: 'main', key, bytes: key === null ? 0 : 10, sha256: key === null ? null : SHA }],
      ...changes,
    };
  }

  async say(status: StatusBody): Promise<void> {
    await this.#worker.say(this, status);
  }

  async started(): Promise<void> {
    await this.say({ type: 'started', frames: this.task.frames });
  }

  /** Stops without fault with what is done, as a worker does that was told to give back what it has not begun. */
  async giveBack(done: readonly FrameRef[], reason = 'told to'): Promise<void> {
    await this.say({
      type: 'released',
      done: done.map((frame) => this.result(frame)),
      reason,
      logKey: null,
    });
    this.end();
  }

  /** Reports every frame and the end, and acknowledges. */
  async complete(): Promise<void> {
    const done = this.task.frames.map((frame) => this.result(frame));
    await this.say({ type: 'completed', done, logKey: null });
    this.end();
  }

  async fail(options: { message: string; failedFrame?: number | null; class?: FailureClass }): Promise<void> {
    await this.say({
      type: 'failed',
      done: [],
      class: options.class ?? 'engine-crash',
      message: options.message,
      failedFrame: options.failedFrame ?? null,
      logKey: null,
    });
    this.end();
  }

  end(): void {
    this.message.ack();
    this.leave();
  }

  /** Frees the slot without a word. */
  leave(): void {
    this.#worker.held.delete(this.attempt);
  }
}

type ToldLane = Extract<WorkerControl, { type: 'lanes' }>['lanes'][number];

export interface ScriptedWorkerOptions {
  id?: string;
  slots?: number;
  engines?: string[];
  /** What its heartbeats say beside that: hardware, site, tags, warm scenes … */
  facts?: Partial<Heartbeat>;
  /** What it does with each task; by default every frame is done at once. */
  handle?: (task: HeldTask) => Promise<void>;
}

/**
 * A worker's client side, speaking the real protocol over real NATS with a worker's rights; what it "renders" is what
 * the test's handler says. For tests of the coordinator.
 */
export class ScriptedWorker {
  readonly id: string;
  readonly instance = newId('i');
  readonly held = new Map<string, { task: HeldTask; frame: number | null; frameSeconds: number }>();
  readonly controls: WorkerControl[] = [];
  readonly jobStops: { jobId: string; type: string }[] = [];
  readonly tasks: TaskMessage[] = [];
  readonly errors: unknown[] = [];
  /** What its next heartbeats say beside what it does. */
  facts: Partial<Heartbeat>;
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #slots: number;
  readonly #engines: Heartbeat['engines'];
  readonly #handle: (task: HeldTask) => Promise<void>;
  #lanes: ToldLane[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #beating = true;
  #state: Heartbeat['state'] = 'idle';
  #pullers: Promise<void>[] = [];
  #orders: Heartbeat['orders'] = { pause: null, timetable: null };

  constructor(connection: NatsConnection, options: ScriptedWorkerOptions = {}) {
    this.#connection = connection;
    this.#jetstream = jetstream(connection);
    this.id = options.id ?? 'w1';
    this.#slots = options.slots ?? 2;
    this.facts = options.facts ?? {};
    this.#engines = (options.engines ?? ['null']).map((id) => ({ id, version: '1', features: [] }));
    this.#handle =
      options.handle ??
      (async (task) => {
        await task.started();
        await task.complete();
      });
  }

  start(): this {
    this.#connection.subscribe(workerControlSubject(this.id), {
      callback: (_error, message) => {
        const control = decodeMessage(workerControlSchema, message.data, 'control');
        this.controls.push(control);
        if (control.type === 'lanes' || control.type === 'orders') this.#obey(control.orders);
        if (control.type === 'lanes') this.#pullFrom(control.lanes);
      },
    });
    this.#connection.subscribe('control.job.*', {
      callback: (_error, message) => {
        this.jobStops.push({
          jobId: message.subject.split('.')[2] ?? '',
          type: message.json<{ type: string }>().type,
        });
      },
    });
    this.beat();
    this.#timer = setInterval(() => this.beat(), HEARTBEAT_MS);
    return this;
  }

  /** Stops heartbeats and pulling, as if the network were gone; `held` stays. */
  silence(): void {
    this.#beating = false;
  }

  /** Its process ends as its operator wishes: one last heartbeat says so. */
  goodbye(): void {
    this.#state = 'stopping';
    this.beat();
    this.silence();
  }

  speak(): void {
    this.#beating = true;
    this.beat();
  }

  beat(): void {
    if (!this.#beating || this.#connection.isClosed()) return;
    const heartbeat = heartbeatOf({
      workerId: this.id,
      instance: this.instance,
      pid: process.pid,
      slots: this.#slots,
      cores: this.#slots,
      state: this.#orders.pause === null ? this.#state : 'paused',
      pause: this.#orders.pause,
      orders: this.#orders,
      engines: this.#engines,
      lanes: this.#lanes.map((told) => told.lane),
      attempts: [...this.held.values()].map(({ task, frame, frameSeconds }) => ({
        attempt: task.attempt,
        taskId: task.task.taskId,
        jobId: task.task.jobId,
        frame,
        frameSeconds,
        slots: task.task.slots,
        waiting: false,
      })),
      ...this.facts,
    });
    this.#connection.publish(workerStatusSubject(this.id), encodeMessage(heartbeat));
  }

  async say(held: HeldTask, status: StatusBody): Promise<void> {
    const { task, message, attempt } = held;
    const body: TaskStatus = {
      version: 1,
      attempt,
      feed: task.feed,
      delivery: message.info.deliveryCount,
      step: task.step,
      instance: this.instance,
      ...status,
    };
    await this.#jetstream.publish(
      taskStatusSubject({ workerId: this.id, jobId: task.jobId, taskId: task.taskId }),
      encodeMessage(body),
    );
  }

  async ask(held: HeldTask, current: number | null): Promise<ResumeReply> {
    const { task } = held;
    const reply = await this.#connection.request(
      askSubject(this.id, 'resume'),
      encodeMessage({
        version: 1,
        taskId: task.taskId,
        jobId: task.jobId,
        attempt: held.attempt,
        feed: task.feed,
        instance: this.instance,
        frames: task.frames,
        current,
      }),
      { timeout: 5_000 },
    );
    return reply.json<ResumeReply>();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await Promise.all(this.#pullers);
  }

  /** A paused worker pulls nothing. */
  #obey(orders: Heartbeat['orders']): void {
    if (JSON.stringify(orders) === JSON.stringify(this.#orders)) return;
    this.#orders = orders;
    this.beat();
  }

  /** Slots that no task in its hands takes. */
  get freeSlots(): number {
    return this.#slots - [...this.held.values()].reduce((sum, { task }) => sum + task.task.slots, 0);
  }

  #pullFrom(lanes: ToldLane[]): void {
    if (JSON.stringify(lanes) === JSON.stringify(this.#lanes)) return;
    const known = new Set(this.#lanes.map((told) => told.lane));
    this.#lanes = lanes;
    this.beat();
    for (const { lane } of lanes)
      if (!known.has(lane))
        for (let slot = 0; slot < this.#slots; slot++) this.#pullers.push(this.#pull(lane));
  }

  /** With a reserved lane nothing else is taken, and that only when so many slots are free. */
  #mayPull(lane: string): boolean {
    if (!this.#beating || this.#orders.pause !== null) return false;
    const reserved = this.#lanes.find((told) => told.kind === 'reserved');
    if (reserved) return reserved.lane === lane && this.freeSlots >= reserved.slots;
    return this.freeSlots > 0;
  }

  async #pull(lane: string): Promise<void> {
    const consumer = this.#jetstream.consumers.getConsumerFromInfo({
      stream_name: 'TASKS',
      name: lane,
      config: {},
    } as never);
    while (!this.#stopping && this.#lanes.some((told) => told.lane === lane)) {
      if (!this.#mayPull(lane)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      let message: JsMsg | null;
      try {
        message = await consumer.next({ expires: 1_000 });
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100)); // as a worker does: the lane comes back
        continue;
      }
      if (message) await this.#take(message);
    }
  }

  async #take(message: JsMsg): Promise<void> {
    const held = new HeldTask(this, message);
    // Two lanes may both deliver into the last slot: what has no room waits in hand.
    while (this.freeSlots < held.task.slots && !this.#stopping)
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.tasks.push(held.task);
    this.held.set(held.attempt, { task: held, frame: held.frames[0] ?? null, frameSeconds: 0 });
    try {
      await this.#handle(held);
    } catch (error) {
      this.errors.push(error);
    }
    // The slot is taken until the task has ended.
    while (this.held.has(held.attempt) && !this.#stopping)
      await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
