import { createHash } from 'node:crypto';

interface OfferedEngine {
  id: string;
  version: string;
  features: readonly string[];
}

/** What workers are told apart by; a heartbeat has it all. */
export interface GroupedWorker {
  engines: readonly OfferedEngine[];
  slots: number;
  cores: number;
  memoryBytes: number;
  gpus: readonly { name: string }[];
  site: string | null;
  tags: readonly string[];
  /** Shared storage that it has mounted; absent where it says nothing of it. */
  roots?: readonly string[];
}

/** Of an id's 64 characters, less the hash and a lane's suffix. */
const MAX_LABEL = 46;
const MAX_SITE = 10;
const GIB = 1_073_741_824;

/**
 * The group of a worker: those with the same engines, versions and features, slots, hardware, site, tags and mounted storage are
 * interchangeable. A readable label and a short hash; an id, short enough that a lane's suffix still fits.
 */
export function workerGroup(worker: GroupedWorker): string {
  const engines = worker.engines
    .map(({ id, version, features }) => ({ id, version, features: [...features].sort() }))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const cores = coresPerSlot(worker);
  const memory = memoryClass(worker);
  const gpus = worker.gpus.map((gpu) => gpu.name).sort();
  const { slots, site } = worker;
  const roots = worker.roots?.length ? [[...worker.roots].sort()] : [];
  const facts = [engines, slots, cores, memory, gpus, site, [...worker.tags].sort(), ...roots];
  const hash = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
  const hardware = `${slots}x${Math.floor(cores)}c${Math.floor(memory / GIB)}g`;
  const graphics = gpus.length > 0 ? `-${gpus.length}gpu` : '';
  const where = site === null ? '' : `-${site.slice(0, MAX_SITE)}`;
  const suffix = `-${hardware}${graphics}${where}`;
  const label = engines.map((engine) => engine.id).join('-') || 'none';
  return `${label.slice(0, MAX_LABEL - suffix.length)}${suffix}-${hash}`;
}

/** Cores that one slot of the worker has, to a hundredth. */
export function coresPerSlot(worker: Pick<GroupedWorker, 'cores' | 'slots'>): number {
  return Math.round((worker.cores / worker.slots) * 100) / 100;
}

/**
 * Memory in bytes that one slot of the worker is reckoned with: rounded down by at most a sixteenth, so that machines of
 * one model, which report some pages more or less, are of one class.
 */
export function memoryClass(worker: Pick<GroupedWorker, 'memoryBytes' | 'slots'>): number {
  const bytes = Math.max(0, worker.memoryBytes / worker.slots);
  if (bytes < 1) return 0;
  const step = 2 ** Math.floor(Math.log2(bytes)) / 16;
  return Math.floor(Math.floor(bytes / step) * step);
}

/** The lane of a group's tasks that take so many slots; also the name of its durable consumer. */
export function laneId(group: string, slots: number): string {
  return `${group}-${slots}`;
}

/** The lane of the tasks for one worker alone: its scene is loaded there (`home`), or it is kept free for them (`big`). */
export function workerLaneId(kind: 'home' | 'big', workerId: string): string {
  const id = `${kind}-${workerId}`;
  if (id.length <= 64) return id;
  return `${id.slice(0, 47)}-${createHash('sha256').update(workerId).digest('hex').slice(0, 16)}`;
}
