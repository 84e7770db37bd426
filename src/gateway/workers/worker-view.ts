import type { Worker } from '../../shared/contracts/api.ts';
import type { Heartbeat } from '../../shared/contracts/messages.ts';

/** A worker that was not heard of for this long (three heartbeats) is not shown as working. */
export const SILENT_AFTER_MS = 6_000;

/** What a row of an older version may lack. */
type Newer = 'site' | 'tags' | 'roots' | 'sessionHits' | 'sessionMisses' | 'pause' | 'gpus' | 'orders';
type StoredHeartbeat = Omit<Heartbeat, Newer> & Partial<Pick<Heartbeat, Newer>>;

/** What the ledger says of a worker. */
export interface LedgerWorker {
  state: 'online' | 'lost' | 'offline';
  heartbeat: StoredHeartbeat;
  seenAt: Date;
}

/** The newest heartbeat that reached this process. */
export interface HeardWorker {
  heartbeat: Heartbeat;
  heardAtMs: number;
}

/**
 * A worker as people see it. Its own word counts while it is fresh; then the ledger's; and a silence that this process
 * itself listened to shows as `lost` before the ledger has decided.
 * @param listeningSinceMs since when heartbeats reach this process without a break.
 */
export function viewWorker(
  ledger: LedgerWorker | undefined,
  heard: HeardWorker | undefined,
  nowMs: number,
  listeningSinceMs: number,
): Worker | undefined {
  const heartbeat = heard?.heartbeat ?? ledger?.heartbeat;
  if (!heartbeat) return undefined;
  const seenAtMs = Math.max(heard?.heardAtMs ?? 0, ledger?.seenAt.getTime() ?? 0);
  return {
    id: heartbeat.workerId,
    pid: heartbeat.pid,
    host: heartbeat.host,
    lanes: heartbeat.lanes,
    state: stateOf(),
    pause: heartbeat.pause ?? null,
    slots: heartbeat.slots,
    cores: heartbeat.cores,
    platform: heartbeat.platform,
    gpus: heartbeat.gpus ?? [],
    timetable: heartbeat.orders?.timetable ?? null,
    site: heartbeat.site ?? null,
    tags: heartbeat.tags ?? [],
    roots: heartbeat.roots ?? [],
    engines: heartbeat.engines,
    rendering: heartbeat.attempts,
    load: heartbeat.load,
    memoryBytes: heartbeat.memoryBytes,
    freeMemoryBytes: heartbeat.freeMemoryBytes,
    cacheBytes: heartbeat.cacheBytes,
    sessions: { warm: heartbeat.sessionHits ?? 0, cold: heartbeat.sessionMisses ?? 0 },
    problems: heartbeat.problems,
    seenAt: new Date(seenAtMs).toISOString(),
  };

  function stateOf(): Worker['state'] {
    if (heard && nowMs - heard.heardAtMs < SILENT_AFTER_MS) return heard.heartbeat.state;
    if (ledger && ledger.state !== 'online') return ledger.state;
    if (nowMs - listeningSinceMs >= SILENT_AFTER_MS)
      return heartbeat?.state === 'stopping' ? 'offline' : 'lost';
    return heartbeat?.state ?? 'lost';
  }
}
