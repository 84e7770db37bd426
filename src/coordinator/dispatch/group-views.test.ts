import { describe, expect, it } from 'vitest';
import { heartbeatOf } from '../../../test/support/heartbeat.ts';
import { task } from '../../../test/support/snapshots.ts';
import type { Heartbeat } from '../../shared/contracts/messages.ts';
import type { Reservation, TaskView } from '../planning/snapshot.ts';
import { groupViews, loadsOf } from './group-views.ts';
import { assetSets } from './worker-facts.ts';
import type { KnownWorker } from './worker-registry.ts';

const known = (workerId: string, changes: Partial<Heartbeat> = {}): KnownWorker => {
  const heartbeat = heartbeatOf({ workerId, slots: 4, cores: 8, ...changes });
  return {
    heartbeat,
    group: 'g',
    assets: assetSets(heartbeat, undefined),
    seenAt: 0,
    pausedUntil: 0,
    changed: false,
  };
};

/** Every worker pulls from the common lane; those that are named have a lane of their own. */
const views = (
  workers: KnownWorker[],
  tasks: TaskView[] = [],
  { homes = [] as string[], reserving = new Map<string, Reservation>() } = {},
) =>
  groupViews({
    workers,
    lanes: {
      sharedLane: () => 'g-1',
      homeLane: ({ heartbeat }) => (homes.includes(heartbeat.workerId) ? 'home' : undefined),
    },
    loads: loadsOf(tasks),
    reserving,
    rateOf: () => 0.1,
  });

describe('groups as planning sees them', () => {
  it('has a window of its free slots and a little more, less what waits in its lane', () => {
    const running = [task({ key: 'a', worker: 'w1', slots: 1 }), task({ key: 'b', worker: 'w2', slots: 3 })];
    const queued = task({ key: 'c', state: 'queued', worker: null });
    expect(views([known('w1'), known('w2')], [...running, queued])).toMatchObject([
      { id: 'g', window: 4 + 2 - 1, workers: [{ freeSlots: 3 }, { freeSlots: 1 }] },
    ]);
  });

  it('counts what waits for one worker there, not in the common lane', () => {
    const tasks = [
      task({ key: 'home', state: 'queued', worker: 'w1' }),
      task({ key: 'big', state: 'queued', worker: 'w2', slots: 3 }),
    ];
    expect(views([known('w1'), known('w2')], tasks)).toMatchObject([
      // The second worker takes nothing from the common lane until its big task has begun.
      {
        window: 4 - 1 + 2,
        workers: [
          { freeSlots: 4, homeQueued: 1 },
          { freeSlots: 1, homeQueued: 0 },
        ],
      },
    ]);
  });

  it('feeds nothing to workers that are being emptied', () => {
    const reserving = new Map([['w1', { worker: 'w1', group: 'g', slots: 4, stepKey: '1', sinceMs: 0 }]]);
    expect(views([known('w1')], [], { reserving })).toMatchObject([
      { window: 0, workers: [{ freeSlots: 4, reserving: { slots: 4 } }] },
    ]);
  });

  it('shows loaded scenes only of workers that have a lane of their own', () => {
    const warm = { warmAssets: ['a'.repeat(16)] };
    const [group] = views([known('w1', warm), known('w2', warm)], [], { homes: ['w2'] });
    expect(group?.workers.map((worker) => worker.warm.size)).toEqual([0, 1]);
  });
});
