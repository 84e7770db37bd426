import { headers, type NatsConnection } from 'nats';
import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import type { Ledger } from '../../shared/database/connect.ts';
import { readJobSummaries } from '../../shared/database/job-summaries.ts';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSubject } from '../../shared/contracts/subjects.ts';
import type { FrameChange, JobStatus } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';

/** Which coordinator said it, so that it does not take its own words for news. */
export const FROM_HEADER = 'Farmhand-Coordinator';
const MAX_CHANGES = 2_000;
const LINGER_MS = 3;
const MAX_JOBS_A_ROUND = 200;

/**
 * What of a job changed, for parts of this process that keep up with the ledger: `known`: what they were told otherwise;
 * `steps`: anything but its tasks, of which they were told; `all`: its tasks, too.
 */
export type JobNews = 'known' | 'steps' | 'all';

/**
 * Says on `status.job.<id>` what the ledger now has. Changes that come while a round is under way are one message:
 * rounds follow each other, so that no older state is said after a newer one.
 */
export class Announcer {
  readonly #ledger: Ledger;
  readonly #jetstream: JetStreamClient;
  readonly #coordinatorId: string;
  readonly #log: Logger;
  readonly #listeners: ((jobId: string, news: JobNews) => void)[] = [];
  #pending = new Map<string, Map<string, FrameChange> | null>();
  #round: Promise<void> | undefined;

  constructor(ledger: Ledger, connection: NatsConnection, coordinatorId: string, log: Logger) {
    this.#ledger = ledger;
    this.#jetstream = jetstream(connection);
    this.#coordinatorId = coordinatorId;
    this.#log = log;
  }

  /** Called at once with each job that is announced by this process. */
  onChange(listener: (jobId: string, news: JobNews) => void): void {
    this.#listeners.push(listener);
  }

  /** @param changes frames that changed; null when they are too many or not known one by one. */
  announce(jobId: string, changes: readonly FrameChange[] | null = [], news: JobNews = 'all'): void {
    for (const listener of this.#listeners) listener(jobId, news);
    const known = this.#pending.get(jobId);
    if (changes === null || known === null) this.#pending.set(jobId, null);
    else {
      const merged = known ?? new Map<string, FrameChange>();
      for (const change of changes) merged.set(`${change.step}/${change.number}`, change);
      this.#pending.set(jobId, merged.size > MAX_CHANGES ? null : merged);
    }
    this.#round ??= this.#run();
  }

  /** Publishes one message about a job and waits until it is stored. */
  async say(jobId: string, status: JobStatus): Promise<void> {
    const hdrs = headers();
    hdrs.set(FROM_HEADER, this.#coordinatorId);
    await this.#jetstream.publish(jobStatusSubject(jobId), encodeMessage(status), {
      headers: hdrs,
      timeout: 5_000,
    });
  }

  /** Resolves when everything announced so far has been said. */
  async flush(): Promise<void> {
    await this.#round;
  }

  async #run(): Promise<void> {
    // Dispatch goes before news, and what changes meanwhile goes along.
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    while (this.#pending.size > 0) {
      const batch = [...this.#pending].slice(0, MAX_JOBS_A_ROUND);
      for (const [jobId] of batch) this.#pending.delete(jobId);
      try {
        await this.#sayAll(new Map(batch));
      } catch (error) {
        // The ledger has it; whoever looks at a job asks the ledger, and the next change is said again.
        this.#log.warn({ jobs: batch.length, error: messageOf(error) }, 'could not announce changes of jobs');
      }
    }
    this.#round = undefined;
  }

  async #sayAll(batch: ReadonlyMap<string, Map<string, FrameChange> | null>): Promise<void> {
    const jobs = await readJobSummaries(this.#ledger, [...batch.keys()]);
    const outcomes = await Promise.allSettled(
      jobs.map((job) => {
        const changes = batch.get(job.id);
        return this.say(job.id, {
          type: 'job',
          job,
          frames: changes ? [...changes.values()] : null,
        });
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
