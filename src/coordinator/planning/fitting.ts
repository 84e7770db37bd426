import { versionInRange } from '../../shared/domain/engine-versions.ts';
import type { GroupView, Needs } from './snapshot.ts';

/** What decides whether a task fits: of a group, or of one worker by itself. */
export type Ability = Pick<
  GroupView,
  'engines' | 'site' | 'tags' | 'roots' | 'slots' | 'coresPerSlot' | 'memoryBytesPerSlot' | 'gpus'
>;

/** Cores per slot are told to a hundredth: what rounding took away must not cost a whole slot. */
const CORES_ROUNDING = 0.005;

/** Whether the workers can take the step's tasks at all, however busy they are. */
export function fits(needs: Needs, group: Ability): boolean {
  return (
    offersEngine(needs, group) &&
    (needs.site === null || needs.site === group.site) &&
    needs.tags.every((tag) => group.tags.has(tag)) &&
    needs.roots.every((root) => group.roots.has(root)) &&
    slotsNeeded(needs, group) !== null
  );
}

/** Whether the workers have the engine in a version that the step may be rendered with. */
export function offersEngine(needs: Needs, group: Pick<Ability, 'engines'>): boolean {
  const version = group.engines.get(needs.engine);
  if (version === undefined) return false;
  if (needs.engineVersion !== null) return version === needs.engineVersion;
  return needs.versionRange === null || versionInRange(version, needs.versionRange);
}

/**
 * Slots that a task takes of such a worker: the largest of its shares in cores, memory and GPUs, rounded up to the size of
 * a lane (1, 2, 4 … or all slots).
 * @returns null when the whole worker is too small.
 */
export function slotsNeeded(needs: Needs, group: Ability): number | null {
  if (needs.gpus > group.gpus) return null;
  const share = Math.max(
    1,
    coreSlots(needs.cores, group),
    wholeSlots((needs.memoryBytes ?? 0) / group.memoryBytesPerSlot),
    // As many tasks as there are sets of GPUs, and no more.
    needs.gpus === 0 ? 0 : Math.ceil((needs.gpus * group.slots) / group.gpus),
  );
  if (!(share <= group.slots)) return null;
  return Math.min(group.slots, 2 ** Math.ceil(Math.log2(share)));
}

function coreSlots(cores: Needs['cores'], group: Ability): number {
  if (cores === 'all') return group.slots;
  return cores === null ? 0 : wholeSlots(cores / (group.coresPerSlot + CORES_ROUNDING));
}

/** A worker that says nothing of its memory has none to promise. */
const wholeSlots = (share: number): number => (Number.isNaN(share) ? 0 : Math.ceil(share - 1e-9));

const shapes = new WeakMap<Needs, string>();

/** Equal for steps that fit in the same places. */
export function shapeOf(needs: Needs): string {
  const known = shapes.get(needs);
  if (known !== undefined) return known;
  const {
    engine,
    engineVersion,
    versionRange,
    cores,
    memoryBytes,
    gpus,
    tags,
    site,
    preferSite,
    roots,
    avoid,
  } = needs;
  const shape = JSON.stringify([
    engine,
    engineVersion,
    versionRange,
    cores,
    memoryBytes,
    gpus,
    [...tags].sort(),
    site,
    preferSite,
    [...roots].sort(),
    avoid,
  ]);
  shapes.set(needs, shape);
  return shape;
}
