import { jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { sql } from 'kysely';
import type { NatsConnection } from 'nats';
import { z } from 'zod';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { SUBJECTS, parseTaskSubject } from '../../shared/contracts/subjects.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import type { DeadLetters } from '../intake/dead-letters.ts';
import type { Announcer } from '../ledger/announcer.ts';
import { lockJobs } from '../ledger/cut-tasks.ts';
import { endTasks, type EndReason } from '../ledger/end-tasks.ts';
import { frameByKey } from '../ledger/frame-by-key.ts';
import type { LedgerTransaction } from '../ledger/job-repository.ts';
import type { StepInfos } from '../ledger/step-info.ts';
import { DurableReader } from '../runtime/durable-reader.ts';
import type { StreamGuard } from '../runtime/stream-guard.ts';

const advisorySchema = z.object({
  stream: z.string(),
  consumer: z.string(),
  stream_seq: z.int(),
  deliveries: z.int(),
});

/**
 * Tasks that were delivered again and again without an end: the server gives them up, and so does the farm. Of several
 * frames the one that had begun is charged with it; where none had, each is tried alone. The others go back. A frame that
 * was alone has failed.
 */
export class ExhaustedDeliveries {
  readonly #connection: NatsConnection;
  readonly #ledger: Ledger;
  readonly #steps: StepInfos;
  readonly #announcer: Announcer;
  readonly #deadLetters: DeadLetters;
  readonly #log: Logger;
  readonly #reader: DurableReader;

  constructor(
    parts: { steps: StepInfos; announcer: Announcer; deadLetters: DeadLetters; guard: StreamGuard },
    ledger: Ledger,
    connection: NatsConnection,
    log: Logger,
  ) {
    this.#connection = connection;
    this.#ledger = ledger;
    this.#steps = parts.steps;
    this.#announcer = parts.announcer;
    this.#deadLetters = parts.deadLetters;
    this.#log = log;
    this.#reader = new DurableReader(
      connection,
      parts.guard,
      {
        stream: STREAMS.advisories.name,
        durable: 'advisories',
        filter: SUBJECTS.maxDeliveries,
        batch: 16,
        lingerMs: 0,
        handle: async (messages) => {
          for (const message of messages) await this.#take(message);
        },
      },
      log,
    );
  }

  start(): void {
    this.#reader.start();
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
  }

  async #take(message: JsMsg): Promise<void> {
    let advisory: z.infer<typeof advisorySchema>;
    try {
      advisory = decodeMessage(advisorySchema, message.data, 'The advisory');
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      this.#log.warn({ error: error.message }, 'an advisory could not be read');
      message.ack();
      return;
    }
    if (advisory.stream === STREAMS.tasks.name) await this.#giveUp(advisory.stream_seq, advisory.deliveries);
    message.ack();
  }

  async #giveUp(sequence: number, deliveries: number): Promise<void> {
    const manager = await jetstreamManager(this.#connection, { checkAPI: false });
    const stored = await manager.streams.getMessage(STREAMS.tasks.name, { seq: sequence });
    const parts = stored && parseTaskSubject(stored.subject);
    const key = parts && taskKeyOf(parts.taskId);
    if (!stored || !parts || !key) return;
    const error = `The task was delivered ${deliveries} times and no worker brought it to an end.`;
    await this.#deadLetters.bury(
      'tasks',
      'max-deliveries',
      { subject: stored.subject, data: stored.data, once: `task:${key}:${sequence}` },
      new Error(error),
    );
    const changes = await this.#ledger.transaction().execute(async (trx) => {
      await lockJobs(trx, [parts.jobId]);
      const task = await readTask(trx, key, parts.jobId);
      if (!task) return new Map<string, null>();
      const { moved, changes: changed } = await endTasks(trx, this.#steps, [task], {
        outcome: 'failed',
        ...chargeOf(task),
        delaySeconds: 0,
        mayBeHeld: false,
        error,
      });
      if (moved.some(({ to }) => to === 'failed'))
        await trx.updateTable('jobs').set({ error }).where('id', '=', parts.jobId).execute();
      return changed;
    });
    for (const [jobId, frames] of changes) this.#announcer.announce(jobId, frames);
    await manager.streams.deleteMessage(STREAMS.tasks.name, sequence);
  }
}

interface OpenTask {
  key: string;
  attempt: string | null;
  /** Frames that are not done. */
  open: number;
  /** One of them is being rendered, as far as was heard. */
  begun: boolean;
}

async function readTask(trx: LedgerTransaction, key: string, jobId: string): Promise<OpenTask | undefined> {
  const { rows } = await sql<OpenTask>`
    SELECT t.key, t.attempt, count(f.number)::int AS open, COALESCE(bool_or(f.state = 'running'), false) AS begun
    FROM tasks t LEFT JOIN LATERAL (
      SELECT f.number, f.state FROM unnest(t.frames) AS n(number)
      CROSS JOIN LATERAL ${frameByKey(sql`t.step_key`, sql`n.number`)} f
      WHERE f.task_key = t.key AND f.state IN ('queued', 'running')
    ) f ON true
    WHERE t.key = ${key} AND t.job_id = ${jobId} GROUP BY t.key`.execute(trx);
  return rows[0];
}

function chargeOf({ open, begun }: OpenTask): Pick<EndReason, 'blame' | 'charge' | 'maxAttempts'> {
  if (open <= 1) return { blame: 'all', maxAttempts: 1 };
  if (begun) return { blame: { underWay: null } };
  // No attempt is used up; what was lost once is a task of its own.
  return { blame: 'all', charge: 'loss' };
}
