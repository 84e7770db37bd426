import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { subjectOf } from '../dispatch/task-publisher.ts';

/** Heartbeats come every 2 s, and name what a worker was handed since. */
const UNSPOKEN_AFTER_MS = 10_000;
/** Looked at in a lane at once; what was delivered was published first. */
const MAX_A_LANE = 64;

export interface WaitingTask {
  key: string;
  job_id: string;
  engine: string;
  lane: string;
}

/**
 * Finds tasks that were handed to a process which died before it spoke of them: no heartbeat names them, and the server
 * takes them for being worked on until their time to acknowledge is over, minutes later.
 */
export class StrandedTasks {
  readonly #connection: NatsConnection;
  /** Since when nobody has spoken of a task that was delivered, by its key. */
  #since = new Map<string, number>();

  constructor(connection: NatsConnection) {
    this.#connection = connection;
  }

  /**
   * @param unheld queued tasks with a message in the stream that no live worker names, oldest first.
   * @param named the lanes of the tasks that live workers name, one entry a task.
   * @returns those of them that were delivered, and that nobody has named since, for long enough.
   */
  async find<T extends WaitingTask>(unheld: readonly T[], named: readonly string[]): Promise<T[]> {
    const now = performance.now();
    const delivered = await this.#delivered(unheld, named);
    const before = this.#since;
    this.#since = new Map(delivered.map(({ key }) => [key, before.get(key) ?? now]));
    return delivered.filter(({ key }) => now - (this.#since.get(key) ?? now) >= UNSPOKEN_AFTER_MS);
  }

  async #delivered<T extends WaitingTask>(unheld: readonly T[], named: readonly string[]): Promise<T[]> {
    if (unheld.length === 0) return [];
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const inHand = new Map<string, number>();
    for (const lane of named) inHand.set(lane, (inHand.get(lane) ?? 0) + 1);
    const delivered: T[] = [];
    for await (const { name, num_ack_pending, delivered: last } of manager.consumers.list(
      STREAMS.tasks.name,
    )) {
      if (num_ack_pending <= (inHand.get(name) ?? 0)) continue;
      for (const task of unheld.filter(({ lane }) => lane === name).slice(0, MAX_A_LANE)) {
        const message = { last_by_subj: subjectOf(task) };
        const stored = await manager.streams.getMessage(STREAMS.tasks.name, message);
        if (stored && stored.seq <= last.stream_seq) delivered.push(task);
      }
    }
    return delivered;
  }
}
