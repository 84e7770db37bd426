import {
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { isDeepStrictEqual } from 'node:util';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { TaskMessage } from '../../shared/contracts/messages.ts';
import { taskSubject } from '../../shared/contracts/subjects.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { taskIdOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { CutTask } from '../ledger/cut-tasks.ts';
import type { StepInfo } from '../ledger/step-info.ts';
import type { CoordinatorMetrics } from '../telemetry/coordinator-metrics.ts';

/** "maximum messages per subject exceeded": the task's subject holds a message already. */
const SUBJECT_TAKEN = 10_077;
const PUBLISH_TIMEOUT_MS = 5_000;

/** Puts tasks into TASKS, and takes them out again. */
export class TaskPublisher {
  readonly #connection: NatsConnection;
  readonly #jetstream: JetStreamClient;
  readonly #metrics: CoordinatorMetrics;
  readonly #log: Logger;

  constructor(connection: NatsConnection, metrics: CoordinatorMetrics, log: Logger) {
    this.#connection = connection;
    this.#jetstream = jetstream(connection);
    this.#metrics = metrics;
    this.#log = log;
  }

  /**
   * Publishes all at once and waits for all answers. A task that could not be published is in the ledger, and the
   * sweeper feeds it again.
   * @returns how many could not be published.
   */
  async publish(tasks: readonly CutTask[], steps: ReadonlyMap<string, StepInfo>): Promise<number> {
    const outcomes = await Promise.allSettled(
      tasks.map((task) => {
        const step = steps.get(task.step_key);
        if (!step) throw new Error(`Step ${task.step_key} is not loaded`);
        return this.#publishOne(task, step);
      }),
    );
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    const first = failed[0];
    if (first)
      this.#log.warn(
        { failed: failed.length, error: messageOf(first.reason) },
        'tasks could not be published; the sweeper feeds them again',
      );
    return failed.length;
  }

  /** Deletes the messages of tasks, delivered or not. */
  async remove(
    tasks: readonly { engine: string; lane: string; job_id: string; key: string }[],
  ): Promise<void> {
    if (tasks.length === 0) return;
    const manager = await this.#manager();
    await Promise.all(
      tasks.map((task) => manager.streams.purge(STREAMS.tasks.name, { filter: subjectOf(task) })),
    );
  }

  /** Deletes whatever waits under a filter. */
  async purge(filter: string): Promise<void> {
    const manager = await this.#manager();
    await manager.streams.purge(STREAMS.tasks.name, { filter });
  }

  async #publishOne(task: CutTask, step: StepInfo): Promise<void> {
    const subject = subjectOf(task);
    const message = taskMessage(task, step);
    const body = encodeMessage(message);
    this.#metrics.taskPublished(task.key);
    const options = { msgID: `${taskIdOf(task.key)}:${task.feed}`, timeout: PUBLISH_TIMEOUT_MS };
    try {
      const answer = await this.#jetstream.publish(subject, body, options);
      if (!answer.duplicate) return;
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== SUBJECT_TAKEN) throw error;
    }
    // "Already there" is true only if the stored message is of this feed: the server also answers so for what was
    // acknowledged or purged a moment ago. A database that forgot a task gives its number to another one, with other frames.
    if (isDeepStrictEqual(await this.#stored(subject), contentOf(message))) return;
    await this.purge(subject);
    await this.#jetstream.publish(subject, body, { ...options, msgID: `${options.msgID}:again` });
  }

  async #stored(subject: string): Promise<TaskContent | undefined> {
    const manager = await this.#manager();
    const stored = await manager.streams.getMessage(STREAMS.tasks.name, { last_by_subj: subject });
    return stored ? contentOf(stored.json()) : undefined;
  }

  #manager(): Promise<JetStreamManager> {
    return jetstreamManager(this.#connection, { checkAPI: false });
  }
}

interface TaskContent {
  feed?: number | undefined;
  frames?: unknown;
}

function contentOf(message: unknown): TaskContent {
  const { feed, frames } = message as TaskContent;
  return { feed, frames };
}

export function subjectOf(task: { engine: string; lane: string; job_id: string; key: string }): string {
  return taskSubject({
    engine: task.engine,
    lane: task.lane,
    jobId: task.job_id,
    taskId: taskIdOf(task.key),
  });
}

/** Checked against zod's JSON at intake; the ledger gives them back as they were. */
function settingsOf({ trust_scripts: trustScripts }: CutTask, { spec }: StepInfo): TaskMessage['settings'] {
  const settings = spec.settings as TaskMessage['settings'];
  return trustScripts === null ? settings : { ...settings, trustScripts };
}

export function taskMessage(task: CutTask, step: StepInfo): TaskMessage {
  const { format, width, height, fps } = step.spec.output;
  return {
    version: 1,
    taskId: taskIdOf(task.key),
    jobId: task.job_id,
    feed: task.feed,
    step: step.name,
    engine: task.engine,
    scene: step.spec.scene,
    frames: task.frames.map((number, index) => ({ number, generation: task.generations[index] ?? 1 })),
    resume: task.resume,
    inputs: step.spec.inputs,
    // Checked against zod's JSON at intake; the ledger gives it back as it was.
    data: step.spec.data as TaskMessage['data'],
    settings: settingsOf(task, step),
    output: {
      format,
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(fps === undefined ? {} : { fps }),
    },
    ...(step.spec.quality === undefined ? {} : { quality: step.spec.quality }),
    slots: task.slots,
    gpus: task.gpus,
    timeouts: step.spec.timeouts,
  };
}
