import { jetstream, jetstreamManager, AckPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { decodeMessage, encodeMessage } from '../../src/shared/contracts/decode.ts';
import {
  heartbeatSchema,
  inputsRequestSchema,
  resumeRequestSchema,
  taskStatusSchema,
  type Heartbeat,
  type InputsReply,
  type ResumeRequest,
  type SceneRef,
  type TaskMessage,
  type TaskStatus,
  type WorkerControl,
  type WorkerOrders,
} from '../../src/shared/contracts/messages.ts';
import {
  askSubject,
  jobStopSubject,
  laneFilter,
  taskSubject,
  workerControlSubject,
  workerStatusSubject,
} from '../../src/shared/contracts/subjects.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import { storeFiles } from './assets.ts';
import type { TestContext } from './farm-context.ts';
import { until } from './until.ts';

export type TaskOptions = Partial<Omit<TaskMessage, 'frames'>> & { frames: number[] };

/** The farm's side of the talk with one worker, so that a test decides what the worker is told. */
export class PlayCoordinator {
  readonly heartbeats: Heartbeat[] = [];
  readonly statuses: TaskStatus[] = [];
  readonly resumes: ResumeRequest[] = [];
  readonly workerId: string;
  /** What it is told with its lanes; by default that it may work. */
  orders: WorkerOrders = { pause: null, timetable: null };
  /** Answers `ask.<worker>.resume`; by default everything is still wanted. */
  answerResume: (request: ResumeRequest) => number[] | null = ({ frames }) => frames.map((f) => f.number);
  answerInputs: (step: string, after: number | null) => InputsReply = () => ({ error: 'no inputs here' });
  readonly #context: TestContext;
  readonly #nats: NatsConnection;
  readonly lane = newId('lane');

  private constructor(context: TestContext, nats: NatsConnection, workerId: string) {
    this.#context = context;
    this.#nats = nats;
    this.workerId = workerId;
  }

  /** @param ackWaitMs how long the lane waits for a worker before it delivers a task again */
  static async start(context: TestContext, workerId: string, ackWaitMs = 150_000): Promise<PlayCoordinator> {
    const nats = await context.connectAs('coordinator');
    const play = new PlayCoordinator(context, nats, workerId);
    play.#listen();
    const manager = await jetstreamManager(nats);
    await manager.consumers.add('TASKS', {
      durable_name: play.lane,
      filter_subject: laneFilter(play.lane),
      ack_policy: AckPolicy.Explicit,
      ack_wait: ackWaitMs * 1_000_000,
      max_deliver: 6,
    });
    await nats.flush();
    return play;
  }

  #listen(): void {
    const { workerId } = this;
    this.#nats.subscribe(workerStatusSubject(workerId), {
      callback: (_error, message) => {
        const heartbeat = decodeMessage(heartbeatSchema, message.data, 'The heartbeat');
        this.heartbeats.push(heartbeat);
        if (heartbeat.lanes.length === 0 && heartbeat.state !== 'stopping' && heartbeat.state !== 'draining')
          this.tellLanes([{ lane: this.lane, slots: 1, kind: 'shared' }]);
      },
    });
    this.#nats.subscribe(`status.task.${workerId}.*.*`, {
      callback: (_error, message) =>
        void this.statuses.push(decodeMessage(taskStatusSchema, message.data, 'The status')),
    });
    this.#nats.subscribe(askSubject(workerId, 'resume'), {
      callback: (_error, message) => {
        const request = decodeMessage(resumeRequestSchema, message.data, 'The question');
        this.resumes.push(request);
        const wanted = this.answerResume(request);
        if (wanted) message.respond(encodeMessage({ wanted }));
      },
    });
    this.#nats.subscribe(askSubject(workerId, 'inputs'), {
      callback: (_error, message) => {
        const { step, after } = decodeMessage(inputsRequestSchema, message.data, 'The question');
        message.respond(encodeMessage(this.answerInputs(step, after)));
      },
    });
  }

  tellLanes(lanes: Extract<WorkerControl, { type: 'lanes' }>['lanes']): void {
    this.control({ type: 'lanes', lanes, orders: this.orders } satisfies WorkerControl);
  }

  control(body: unknown): void {
    this.#nats.publish(workerControlSubject(this.workerId), encodeMessage(body));
  }

  stopJob(jobId: string, type: 'stop' | 'release'): void {
    this.#nats.publish(jobStopSubject(jobId), encodeMessage({ type }));
  }

  async untilReady(): Promise<void> {
    await until(
      () => this.heartbeats.at(-1)?.lanes.includes(this.lane) === true,
      'the worker pulls on its lane',
    );
  }

  /** Publishes a task for the worker. @returns the task as it was sent */
  async feed(options: TaskOptions): Promise<TaskMessage> {
    const { frames, ...rest } = options;
    const task: TaskMessage = {
      version: 1,
      taskId: newId('t'),
      jobId: newId('j'),
      feed: 1,
      step: 'render',
      engine: 'null',
      scene: null,
      slots: 1,
      gpus: 0,
      frames: frames.map((number) => ({ number, generation: 1 })),
      resume: false,
      inputs: {},
      data: {},
      settings: {},
      output: { format: options.engine === undefined ? 'none' : 'png' },
      timeouts: {},
      ...rest,
    };
    const subject = taskSubject({ ...task, lane: this.lane });
    await jetstream(this.#nats).publish(subject, encodeMessage(task), {
      msgID: `${task.taskId}:${task.feed}`,
    });
    return task;
  }

  /** Publishes anything as a task. @returns its id */
  async feedRaw(body: Uint8Array, engine = 'null'): Promise<string> {
    const taskId = newId('t');
    const subject = taskSubject({ engine, lane: this.lane, jobId: newId('j'), taskId });
    await jetstream(this.#nats).publish(subject, body);
    return taskId;
  }

  of(task: { taskId: string }): TaskStatus[] {
    return this.statuses.filter(({ attempt }) => attempt.startsWith(`${task.taskId}-`));
  }

  /** The attempt's last word. */
  async end(task: { taskId: string }, timeoutMs = 20_000): Promise<TaskStatus> {
    const find = (): TaskStatus | undefined =>
      this.of(task).find(({ type }) => type !== 'started' && type !== 'frames');
    await until(() => find() !== undefined, `task ${task.taskId} ends`, timeoutMs);
    return find()!;
  }

  /** Tasks that wait or are not acked. */
  async tasksLeft(): Promise<number> {
    const manager = await jetstreamManager(this.#nats);
    return (await manager.streams.info('TASKS')).state.messages;
  }

  /** Stores files as an asset. @returns the reference of `path` in it */
  async storeScene(files: Record<string, string | Uint8Array>, path: string): Promise<SceneRef> {
    return { asset: await storeFiles(this.#context, files), path };
  }
}
