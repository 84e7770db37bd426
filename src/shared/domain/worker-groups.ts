import { createHash } from 'node:crypto';

interface OfferedEngine {
  id: string;
  version: string;
  features: readonly string[];
}

const MAX_LABEL = 44;

/**
 * The group of a worker: workers with the same engines, versions and features are interchangeable. A readable label and
 * a short hash; an id, short enough that a lane's suffix still fits.
 */
export function workerGroup(engines: readonly OfferedEngine[]): string {
  const sorted = engines
    .map(({ id, version, features }) => ({ id, version, features: [...features].sort() }))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const hash = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 8);
  const label = sorted.map((engine) => engine.id).join('-') || 'none';
  return `${label.slice(0, MAX_LABEL)}-${hash}`;
}

/** The lane of a group's tasks that take so many slots; also the name of its durable consumer. */
export function laneId(group: string, slots: number): string {
  return `${group}-${slots}`;
}
