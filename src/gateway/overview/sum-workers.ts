import type { Worker } from '../../shared/contracts/api.ts';
import type { FarmSums } from '../../shared/contracts/overview-api.ts';

/** Workers by state, and the slots of those that are here. A task that waits for its assets takes none yet. */
export function sumWorkers(workers: readonly Worker[]): Pick<FarmSums, 'workers' | 'slots'> {
  const states: FarmSums['workers'] = {
    idle: 0,
    busy: 0,
    paused: 0,
    draining: 0,
    stopping: 0,
    lost: 0,
    offline: 0,
  };
  const slots = { total: 0, used: 0 };
  for (const worker of workers) {
    states[worker.state]++;
    if (worker.state === 'lost' || worker.state === 'offline') continue;
    slots.total += worker.slots;
    slots.used += worker.rendering.reduce((sum, task) => sum + (task.waiting ? 0 : task.slots), 0);
  }
  return { workers: states, slots };
}
