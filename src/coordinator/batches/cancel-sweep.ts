import { jetstream, type JetStreamClient } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { encodeMessage } from '../../shared/contracts/decode.ts';
import type { JobControl } from '../../shared/contracts/messages.ts';
import { jobControlSubject } from '../../shared/contracts/subjects.ts';
import { isRowOfBatch } from '../../shared/database/batch-summaries.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { closeBatch, restBatch, type BatchRow } from './batch-ledger.ts';

const JOBS_A_SLICE = 500;
/** Time in which what was asked for is carried out, before it is seen what is left. */
const PAUSE_SECONDS = 0.5;

/**
 * Cancels the jobs of a batch that is being cancelled, each by the message that a person would send: it is done once, and
 * stands in the job's history.
 */
export class CancelSweep {
  readonly #ledger: Ledger;
  readonly #jetstream: JetStreamClient;

  constructor(connection: NatsConnection, ledger: Ledger) {
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
    const body = encodeMessage(control);
    // The same id each time: what waits to be heard is not said again.
    await Promise.all(
      open.map((id) => this.#jetstream.publish(jobControlSubject(id), body, { msgID: `${requestId}:${id}` })),
    );
    await restBatch(this.#ledger, batch, { seconds: PAUSE_SECONDS, error: null });
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
