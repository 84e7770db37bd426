import type { PlacedCut } from '../ledger/cut-tasks.ts';
import type { Snapshot, TaskCut } from '../planning/snapshot.ts';
import type { LaneManager } from './lane-manager.ts';
import type { WorkerRegistry } from './worker-registry.ts';

/**
 * Finds the lane of each cut. One whose lane is not open yet is left out and planned again when it is; one for a worker
 * whose own lane has gone meanwhile goes to its group's, unless another worker of that is not to have it.
 */
export function placeCuts(
  cuts: readonly TaskCut[],
  snapshot: Snapshot,
  registry: Pick<WorkerRegistry, 'get'>,
  lanes: Pick<LaneManager, 'sharedLane' | 'homeLane' | 'openHome' | 'bigLane'>,
): PlacedCut[] {
  if (cuts.length === 0) return [];
  const groups = new Map(snapshot.groups.map((group) => [group.id, group]));
  const engines = new Map(snapshot.steps.map((step) => [step.key, step.needs.engine]));
  return cuts.flatMap((cut) => {
    const group = groups.get(cut.group);
    const engineVersion = group?.engines.get(engines.get(cut.stepKey) ?? '');
    const worker = registry.get(cut.worker ?? group?.workers[0]?.id ?? '');
    if (!worker || engineVersion === undefined) return [];
    const own = cut.slots > 1 ? lanes.bigLane(worker) : cut.worker && lanes.homeLane(worker);
    if (!own && cut.avoid !== undefined && cut.worker !== null) {
      lanes.openHome(worker);
      return [];
    }
    if (own) return [{ ...cut, lane: own, engineVersion }];
    const shared = lanes.sharedLane(worker);
    return cut.slots > 1 || shared === undefined
      ? []
      : [{ ...cut, worker: null, lane: shared, engineVersion }];
  });
}
