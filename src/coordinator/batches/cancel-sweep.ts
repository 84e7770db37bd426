import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { JobControl } from '../../shared/contracts/messages.ts';
import { jobControlSubject } from '../../shared/contracts/subjects.ts';
import { isRowOfBatch } from '../../shared/database/batch-summaries.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { closeBatch, restBatch, type BatchRow } from './batch-ledger.ts';
import { cancelUntouched } from './cancel-untouched.ts';

const JOBS_A_SLICE = 500;
/** Time in which what was asked for is carried out, before it is seen what is left. */
const PAUSE_SECONDS = 0.5;

/**
 * Cancels the jobs of a batch that is being cancelled: those of which nothing has begun many at a time, every other one by
 * the message that a person would send. Each is done once, and stands in the job's history.
 */
export class CancelSweep {
  readonly #ledger: Ledger;
  readonly #announcer: Announcer;
  readonly #jetstream: JetStreamClient;

  constructor(announcer: Announcer, connection: NatsConnection, ledger: Ledger) {
    this.#announcer = announcer;
    this.#ledger = ledger;
    this.#jetstream = jetstream(connection);
  }

  async slice(batch: BatchRow): Promise<void> {
    const requestId = `cancel-${batch.id}`;
    const open = await this.#openJobs(batch.id, requestId);
    if (open.length === 0) {
      await closeBatch(this.#ledger, batch, { state: 'cancelled', error: null });
      return;
    }
    const control: JobControl = { requestId, verb: 'cancel', by: batch.cancelled_by ?? 'unknown' };
    const cancelled = new Set(await cancelUntouched(this.#ledger, open, control));
    for (const id of cancelled) this.#announcer.announce(id, null);
    // While there are such, no other one is asked for: most of them may be untouched, too.
    if (cancelled.size === 0) await this.#askFor(open, control);
    const seconds = cancelled.size === 0 ? PAUSE_SECONDS : 0;
    await restBatch(this.#ledger, batch, { seconds, error: null });
  }

  /** The same id each time: what waits to be heard is not said again. */
  async #askFor(jobIds: readonly string[], control: JobControl): Promise<void> {
    const body = encodeMessage(control);
    await Promise.all(
      jobIds.map((id) =>
        this.#jetstream.publish(jobControlSubject(id), body, { msgID: `${control.requestId}:${id}` }),
      ),
    );
  }

  /** Jobs that have not ended and have not heard of it yet. */
  async #openJobs(batchId: string, requestId: string): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      SELECT id FROM jobs WHERE labels->>'batch' = ${batchId} AND ${isRowOfBatch}
        AND state IN ('queued', 'running', 'paused', 'held')
        AND NOT EXISTS (SELECT 1 FROM job_events e WHERE e.job_id = jobs.id AND e.request_id = ${requestId})
      ORDER BY length(id), id LIMIT ${JOBS_A_SLICE}`.execute(this.#ledger);
    return rows.map((row) => row.id);
  }
}
