import { sql } from 'kysely';
import type { Heartbeat, WorkerPause } from '../../shared/contracts/messages.ts';
import type { Ledger } from '../../shared/database/connect.ts';
import { workerGroup, workerLaneId } from '../../shared/domain/worker-groups.ts';
import { abilityOf } from '../dispatch/worker-facts.ts';
import type { WorkerRegistry } from '../dispatch/worker-registry.ts';
import type { WhyWorker } from './why-input.ts';

/** A worker that was not heard of for so long is not expected back. */
const FORGOTTEN = '1 day';

interface WorkerRow {
  id: string;
  state: 'online' | 'lost' | 'offline';
  pause: WorkerPause | null;
  heartbeat: Heartbeat;
  seen_at: Date;
}

/** All workers that the farm knows of, as the ledger has them and as they were heard last. */
export async function readWorkers(ledger: Ledger, registry: WorkerRegistry): Promise<WhyWorker[]> {
  const { rows } = await sql<WorkerRow>`
    SELECT id, state, pause, heartbeat, seen_at FROM workers
    WHERE state = 'online' OR seen_at > now() - ${FORGOTTEN}::interval ORDER BY id`.execute(ledger);
  return rows.map((row) => viewWorker(row, registry));
}

function viewWorker(row: WorkerRow, registry: WorkerRegistry): WhyWorker {
  const heard = registry.isSilent(row.id) ? undefined : registry.get(row.id);
  const heartbeat = heard?.heartbeat ?? row.heartbeat;
  return {
    id: row.id,
    presence: presenceOf(),
    pause: row.pause ?? heartbeat.pause,
    seenAtMs: heard === undefined ? row.seen_at.getTime() : Date.now(),
    group: heard?.group ?? workerGroup(heartbeat),
    ability: abilityOf(heartbeat),
    reserving: heartbeat.lanes.includes(workerLaneId('big', row.id)),
  };

  function presenceOf(): WhyWorker['presence'] {
    if (heard === undefined) return row.state === 'offline' ? 'offline' : 'lost';
    const { state } = heard.heartbeat;
    if (state === 'draining' || state === 'stopping') return 'leaving';
    if (row.pause !== null || state === 'paused') return 'paused';
    return registry.takesWork(heard) ? 'working' : 'returning';
  }
}
