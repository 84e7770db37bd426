import type { Worker } from '../../../src/shared/contracts/api.ts';
import { parseByteSize } from '../../../src/shared/domain/byte-sizes.ts';
import {
  highestVersion,
  isVersionRange,
  versionInRange,
} from '../../../src/shared/domain/engine-versions.ts';
import { isObject, type Json } from './draft.ts';

export interface Able {
  workers: number;
  /** The newest that one of them has. */
  version: string | undefined;
}

/** Those of the farm that are there and can render with an engine, as far as workers say; GPUs they do not say. */
export function ableWorkers(workers: readonly Worker[], engine: string, requires: Json | undefined): Able {
  const needs = isObject(requires) ? requires : {};
  const range = typeof needs['engineVersion'] === 'string' ? needs['engineVersion'] : null;
  const versions: string[] = [];
  const able = workers.filter((worker) => {
    if (['lost', 'offline', 'stopping'].includes(worker.state) || !fits(worker, needs)) return false;
    const its = worker.engines.filter(({ id, version }) => id === engine && inRange(version, range));
    versions.push(...its.map(({ version }) => version));
    return its.length > 0;
  });
  return { workers: able.length, version: highestVersion(versions, null) };
}

/** What is no range is said at its field. */
const inRange = (version: string, range: string | null): boolean =>
  range === null || !isVersionRange(range) || versionInRange(version, range);

function fits({ tags, roots, site, memoryBytes }: Worker, needs: Record<string, Json>): boolean {
  const has = (list: Json | undefined, own: readonly string[]): boolean =>
    !Array.isArray(list) || list.every((one) => typeof one !== 'string' || own.includes(one));
  const memory = needs['memory'];
  const bytes = typeof memory === 'string' ? parseByteSize(memory) : typeof memory === 'number' ? memory : 0;
  return (
    has(needs['tags'], tags) &&
    has(needs['roots'], roots) &&
    (typeof needs['site'] !== 'string' || needs['site'] === site) &&
    (bytes ?? 0) <= memoryBytes
  );
}
