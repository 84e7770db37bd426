import type { Heartbeat } from '../../src/shared/contracts/messages.ts';

/** A heartbeat of a worker that has nothing and does nothing, with changes. */
export function heartbeatOf(changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    version: 1,
    workerId: 'w1',
    instance: 'i1',
    host: 'test',
    pid: 1,
    platform: 'test',
    slots: 2,
    cores: 2,
    memoryBytes: 1,
    freeMemoryBytes: 1,
    load: 0,
    gpus: [],
    site: null,
    tags: [],
    roots: [],
    state: 'idle',
    pause: null,
    orders: { pause: null, timetable: null },
    engines: [],
    lanes: [],
    attempts: [],
    warmSessions: [],
    warmAssets: [],
    cachedAssets: [],
    sessionHits: 0,
    sessionMisses: 0,
    cacheBytes: 0,
    problems: [],
    ...changes,
  };
}
