import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { SUBJECTS, parseTaskSubject } from '../../shared/contracts/subjects.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { LEDGER_CONSUMER } from '../ledger/status-applier.ts';

export interface StoredTask {
  key: string;
  job_id: string;
  engine: string;
  lane: string;
}

/** Tasks whose messages are in TASKS, delivered or not, by key. One request for some ten thousand of them. */
export async function storedTasks(connection: NatsConnection): Promise<Map<string, StoredTask>> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const info = await manager.streams.info(STREAMS.tasks.name, { subjects_filter: SUBJECTS.tasksAll });
  const stored = new Map<string, StoredTask>();
  for (const subject of Object.keys(info.state.subjects ?? {})) {
    const parts = parseTaskSubject(subject);
    const key = parts && taskKeyOf(parts.taskId);
    if (parts && key !== undefined)
      stored.set(key, { key, job_id: parts.jobId, engine: parts.engine, lane: parts.lane });
  }
  return stored;
}

/** Whether everything that workers have reported is in the ledger. */
export async function isLedgerUpToDate(connection: NatsConnection): Promise<boolean> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const info = await manager.consumers.info(STREAMS.status.name, LEDGER_CONSUMER);
  return info.num_pending === 0 && info.num_ack_pending === 0;
}
