import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { taskIdOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { endTasks } from '../ledger/end-tasks.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { planMakeRoom } from '../planning/make-room.ts';
import { planRound } from '../planning/plan-round.ts';
import { planTakeBack } from '../planning/plan-take-back.ts';
import type { Snapshot, TakeBack } from '../planning/snapshot.ts';
import type { LeaderLease } from './leader-lease.ts';
import type { OpenTask, OpenTasks } from './open-tasks.ts';
import type { TaskPublisher } from './task-publisher.ts';
import type { WorkerRegistry } from './worker-registry.ts';

/** So long a worker may take to pull from a lane of its own that it was just told of, or to be heard of at all. */
const PULLS_WITHIN_MS = 6_000;

const REASONS: Record<TakeBack['why'] | 'room' | 'stranded', string> = {
  preempt: 'Work of higher priority needs the slot.',
  straggler: 'Other slots are idle; the rest is shared out among them.',
  reservation: 'The worker is being kept free for a task that needs more of it.',
  'idle-elsewhere': 'Other workers are idle.',
  room: 'Work of higher priority goes first.',
  stranded: 'The only worker that may take it takes no work.',
};
type Reason = keyof typeof REASONS;

interface TakeBacksParts {
  lease: LeaderLease;
  registry: WorkerRegistry;
  steps: StepInfos;
  publisher: TaskPublisher;
  announcer: Announcer;
}

/**
 * Takes back what others should have: tasks that wait are ended and cut anew; workers that render finish the frame under
 * way and give the rest back, which blames nobody. Leader only.
 */
export class TakeBacks {
  readonly #parts: TakeBacksParts;
  readonly #tasks: OpenTasks;
  readonly #ledger: Ledger;
  readonly #connection: NatsConnection;
  readonly #log: Logger;

  constructor(
    parts: TakeBacksParts,
    tasks: OpenTasks,
    ledger: Ledger,
    connection: NatsConnection,
    log: Logger,
  ) {
    this.#parts = parts;
    this.#tasks = tasks;
    this.#ledger = ledger;
    this.#connection = connection;
    this.#log = log;
  }

  /** @returns whether frames are ready again that were not. */
  async run(snapshot: Snapshot): Promise<boolean> {
    const queued = new Map<OpenTask, Reason>();
    const running: { task: OpenTask; why: Reason }[] = [];
    for (const { key, why } of this.#decide(snapshot)) {
      const task = this.#tasks.get(key);
      if (!task) continue;
      if (task.state === 'queued') queued.set(task, why);
      else if (!task.releasing) running.push({ task, why });
    }
    this.#release(running);
    return this.#takeQueued(queued);
  }

  #decide(snapshot: Snapshot): { key: string; why: Reason }[] {
    const room = planMakeRoom(snapshot, planRound);
    return [
      ...this.#stranded().map((key) => ({ key, why: 'stranded' as const })),
      ...room.map((key) => ({ key, why: 'room' as const })),
      ...planTakeBack(snapshot).map(({ taskKey, why }) => ({ key: taskKey, why })),
    ];
  }

  /** Tasks for one worker that does not take them: it is silent, paused, gone or was never told. */
  #stranded(): string[] {
    const { registry } = this.#parts;
    return this.#tasks.all().flatMap((task) => {
      if (task.state !== 'queued' || task.worker === null) return [];
      const worker = registry.get(task.worker);
      const takes = worker !== undefined && registry.takesWork(worker);
      const pulls = takes && worker.heartbeat.lanes.includes(task.row.lane);
      // A leader that was just elected may not have heard of the worker yet.
      const tooSoon = task.knownForMs < PULLS_WITHIN_MS && (worker === undefined || (takes && !pulls));
      return pulls || tooSoon ? [] : [task.key];
    });
  }

  #release(tasks: readonly { task: OpenTask; why: Reason }[]): void {
    const byWorker = new Map<string, { attempts: string[]; why: Reason }>();
    for (const { task, why } of tasks) {
      const { worker, attempt } = task.row;
      if (worker === null || attempt === null) continue;
      const key = `${worker}/${why}`;
      const known = byWorker.get(key);
      if (known) known.attempts.push(attempt);
      else byWorker.set(key, { attempts: [attempt], why });
      task.told();
    }
    for (const [key, { attempts, why }] of byWorker) {
      const worker = key.slice(0, key.indexOf('/'));
      const control: WorkerControl = { type: 'release', attempts, reason: REASONS[why] };
      this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
      this.#log.debug({ worker, attempts, why }, 'a worker is to give back what it has not begun');
    }
  }

  async #takeQueued(tasks: ReadonlyMap<OpenTask, Reason>): Promise<boolean> {
    if (tasks.size === 0) return false;
    const held = this.#parts.registry.heldTasks();
    const byReason = new Map<Reason, OpenTask[]>();
    for (const [task, why] of tasks) {
      // In a worker's hands already: it is about to begin.
      if (held.has(taskIdOf(task.key))) continue;
      const known = byReason.get(why);
      if (known) known.push(task);
      else byReason.set(why, [task]);
    }
    for (const [why, some] of byReason) await this.#end(some, why);
    return byReason.size > 0;
  }

  async #end(tasks: readonly OpenTask[], why: Reason): Promise<void> {
    const { lease, steps, publisher, announcer } = this.#parts;
    const { ended, changes } = await this.#ledger.transaction().execute(async (trx) => {
      await lease.fence(trx, [...new Set(tasks.map((task) => task.jobId))]);
      return endTasks(
        trx,
        steps,
        tasks.map((task) => ({ key: task.key, attempt: task.row.attempt })),
        { outcome: 'released', blame: 'none', delaySeconds: 0, mayBeHeld: true, error: REASONS[why] },
      );
    });
    this.#tasks.ended(ended.map((task) => task.key));
    for (const [jobId, frames] of changes) announcer.announce(jobId, frames);
    await publisher.remove(ended);
    this.#log.debug({ tasks: ended.length, why }, 'tasks that waited are taken back');
  }
}
