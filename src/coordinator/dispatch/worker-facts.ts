import type { Heartbeat } from '../../shared/contracts/messages.ts';
import { coresPerSlot, memoryClass } from '../../shared/domain/worker-groups.ts';
import type { Ability } from '../planning/fitting.ts';

/** What a heartbeat says of assets, as sets; made anew only when it says something else than before. */
export interface AssetSets {
  warm: ReadonlySet<string>;
  cached: ReadonlySet<string>;
}

/** @param before the same worker's, from its last heartbeat. */
export function assetSets(
  heartbeat: Pick<Heartbeat, 'warmAssets' | 'cachedAssets'>,
  before: AssetSets | undefined,
): AssetSets {
  const { warmAssets, cachedAssets } = heartbeat;
  return {
    warm: before && holds(before.warm, warmAssets) ? before.warm : new Set(warmAssets),
    cached: before && holds(before.cached, cachedAssets) ? before.cached : new Set(cachedAssets),
  };
}

const holds = (set: ReadonlySet<string>, names: readonly string[]): boolean =>
  set.size === names.length && names.every((name) => set.has(name));

/** What a worker can take at all, as it says of itself. */
export function abilityOf(heartbeat: Heartbeat): Ability {
  return {
    engines: new Map(heartbeat.engines.map(({ id, version }) => [id, version])),
    site: heartbeat.site,
    tags: new Set(heartbeat.tags),
    roots: new Set(heartbeat.roots),
    slots: heartbeat.slots,
    coresPerSlot: coresPerSlot(heartbeat),
    memoryBytesPerSlot: memoryClass(heartbeat),
    gpus: heartbeat.gpus.length,
  };
}
