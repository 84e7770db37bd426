import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { WorkerControl } from '../../shared/contracts/messages.ts';
import { workerControlSubject } from '../../shared/contracts/subjects.ts';
import type { Finding } from '../../shared/contracts/quality.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { isCancelled, readControlledJob } from '../control/control-context.ts';
import type { LeaderLease } from '../dispatch/leader-lease.ts';
import type { TaskPublisher } from '../dispatch/task-publisher.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { settleJobs } from '../ledger/settle-jobs.ts';
import type { StepInfo, StepInfos } from '../ledger/step-info.ts';
import { BackgroundLoop } from '../runtime/background-loop.ts';
import type { WakeUps } from '../runtime/wake-ups.ts';
import { applyComparison, type AppliedComparison } from './apply-comparison.ts';
import { compareFrames } from './compare-frames.ts';

/** What other coordinators took in is seen so late at most. */
const EVERY_MS = 1_000;
/** A step that could not be compared lets others pass for so long. */
const SET_ASIDE_MS = 60_000;

interface ParkedStep {
  key: string;
  job_id: string;
  judge_due: number;
}

/**
 * Compares the frames of steps with each other once all have ended, and again after each that comes later. Until then the
 * step is not complete and its job not delivered. The leader does it; what came meanwhile is compared in the next round.
 */
export class SequenceJudge {
  readonly #parts: {
    steps: StepInfos;
    lease: LeaderLease;
    publisher: TaskPublisher;
    announcer: Announcer;
    wakeUps: WakeUps;
  };
  readonly #ledger: Ledger;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #loop: BackgroundLoop;
  /** Steps that could not be compared, and when they are tried again. */
  readonly #setAside = new Map<string, number>();

  constructor(
    parts: {
      steps: StepInfos;
      lease: LeaderLease;
      publisher: TaskPublisher;
      announcer: Announcer;
      wakeUps: WakeUps;
    },
    connection: NatsConnection,
    ledger: Ledger,
    log: Logger,
  ) {
    this.#parts = parts;
    this.#ledger = ledger;
    this.#connection = connection;
    this.#log = log;
    this.#loop = new BackgroundLoop({
      name: 'comparing frames',
      wakeUp: parts.wakeUps.sequenceJudge,
      intervalMs: EVERY_MS,
      round: () => this.#round(),
      log,
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** One step, small ones first. @returns whether there was one. */
  async #round(): Promise<boolean> {
    if (!this.#parts.lease.isLeader()) return false;
    for (const [key, until] of this.#setAside) if (until <= Date.now()) this.#setAside.delete(key);
    const { rows } = await sql<ParkedStep>`
      SELECT key, job_id, judge_due FROM steps
      WHERE judge_due > 0 AND frames_expanded = frame_total AND waiting + ready + queued + running = 0 AND sweep IS NULL
        AND key <> ALL(${[...this.#setAside.keys()]}::bigint[])
      ORDER BY frame_total, key LIMIT 1`.execute(this.#ledger);
    const [step] = rows;
    if (!step) return false;
    try {
      await this.#compare(step);
    } catch (error) {
      this.#setAside.set(step.key, Date.now() + SET_ASIDE_MS);
      this.#log.error({ err: error, jobId: step.job_id, step: step.key }, 'frames could not be compared');
    }
    return true;
  }

  async #compare(step: ParkedStep): Promise<void> {
    const info = (await this.#parts.steps.load([step.key])).get(step.key);
    if (!info) throw new Error(`Nothing is known of step ${step.key}.`);
    const policy = info.spec.quality ?? { mode: 'off' };
    const found =
      policy.mode === 'off'
        ? new Map<number, Finding[]>()
        : await compareFrames(this.#ledger, step.key, policy);
    const applied = await this.#apply(step, info, found);
    if (applied) await this.#tell(info, applied);
  }

  /** @returns undefined when something of the step has changed since: it is compared once more. */
  async #apply(
    step: ParkedStep,
    info: StepInfo,
    found: ReadonlyMap<number, readonly Finding[]>,
  ): Promise<AppliedComparison | undefined> {
    const { steps } = this.#parts;
    return this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [step.job_id]);
      const { numAffectedRows } = await sql`UPDATE steps SET judge_due = 0 WHERE key = ${step.key}
        AND judge_due = ${step.judge_due} AND waiting + ready + queued + running = 0 AND sweep IS NULL`.execute(
        trx,
      );
      const job = await readControlledJob(trx, step.job_id);
      if (numAffectedRows === 0n || !job) return undefined;
      // Nothing is brought back of what somebody cancelled or threw away; once it goes on, what comes is compared again.
      const cancelled = isCancelled(job) || job.steps.some((each) => each.cancelled > 0);
      if (cancelled || job.job.binned_at) {
        await settleJobs(trx, [step.job_id]);
        return { again: 0, held: 0 };
      }
      const control = { requestId: 'comparison', verb: 'retry', by: 'farmhand' } as const;
      const applied = await applyComparison(
        { trx, infos: steps, control, ...job },
        step.key,
        info.spec.quality ?? {},
        found,
      );
      if (applied.held > 0)
        await trx
          .updateTable('jobs')
          .set({
            error: `Frames of step ${info.name} do not fit beside their neighbours and wait for a decision.`,
          })
          .where('id', '=', step.job_id)
          .execute();
      await settleJobs(trx, [step.job_id]);
      return applied;
    });
  }

  async #tell({ jobId, name }: StepInfo, applied: AppliedComparison): Promise<void> {
    const { again, held, removed = [], drops = [] } = applied;
    if (again + held > 0) this.#log.info({ jobId, step: name, again, held }, 'frames were compared');
    await this.#parts.publisher.remove(removed);
    for (const { worker, attempt, frames } of drops) {
      const control: WorkerControl = { type: 'drop', attempt, frames };
      this.#connection.publish(workerControlSubject(worker), encodeMessage(control));
    }
    this.#parts.announcer.announce(jobId, null);
    this.#parts.wakeUps.feeder.wake();
    this.#parts.wakeUps.frameSweeper.wake();
  }
}
