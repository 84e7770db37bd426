import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { WorkerEnvironment } from '../shared/config/environment.ts';
import { newId } from '../shared/domain/new-id.ts';
import { defaultWorkerId, type WorkerFolder } from './worker-folder.ts';

/** What this worker process is and may use, decided once at start. */
export interface WorkerSettings {
  workerId: string;
  /** This process: a restarted worker has another one. */
  instance: string;
  slots: number;
  cores: number;
  threadsPerSlot: number;
  /** The machine's memory, or what a container may use of it. */
  memoryBytes: number;
  memoryBytesPerSlot: number;
  /** Memory of all engines together, above which idle ones are ended. */
  sessionMemoryBytes: number;
  attemptsFolder: string;
  sessionsFolder: string;
  cacheFolder: string;
  cacheBudgetBytes: number;
  /** What all its downloads together may take of the line; null: any. */
  downloadBytesPerSecond: number | null;
  minFreeDiskBytes: number;
  drainSeconds: number;
  /** Where it stands, and words that jobs can ask for. */
  site: string | null;
  tags: readonly string[];
  /** Where shared storage lies on this machine, other than the farm says. */
  roots: readonly { name: string; prefix: string }[];
  /** Whether it takes definitions of engines from the farm, and the only engines that it may have; null: any. */
  pushedEngines: boolean;
  onlyEngines: readonly string[] | null;
  /** When it may work, unless the farm says otherwise; null: always. */
  timetable: string | null;
}

/** What a task of some slots may use. */
export interface TaskShare {
  slots: number;
  threads: number;
  memoryLimitBytes: number;
}

/** A task of all slots has all cores, also those that do not divide evenly. */
export function shareOf(
  { slots, cores, threadsPerSlot, memoryBytesPerSlot }: WorkerSettings,
  wanted: number,
): TaskShare {
  const taken = Math.min(wanted, slots);
  const threads = taken === slots ? Math.max(cores, threadsPerSlot * taken) : threadsPerSlot * taken;
  return { slots: taken, threads, memoryLimitBytes: memoryBytesPerSlot * taken };
}

export function compileSettings(environment: WorkerEnvironment, folder: WorkerFolder): WorkerSettings {
  const cores = availableParallelism();
  const slots = environment.FARMHAND_WORKER_SLOTS ?? cores;
  const memory = memoryBytes();
  return {
    workerId: environment.FARMHAND_WORKER_ID ?? defaultWorkerId(folder),
    instance: newId('i'),
    slots,
    cores,
    threadsPerSlot: Math.max(1, Math.floor(cores / slots)),
    memoryBytes: memory,
    memoryBytesPerSlot: environment.FARMHAND_SLOT_MEMORY_BYTES ?? Math.floor(memory / slots),
    sessionMemoryBytes: Math.floor(memory * 0.8),
    attemptsFolder: join(folder.workDir, 'attempts'),
    sessionsFolder: join(folder.workDir, 'sessions'),
    cacheFolder: folder.cacheDir,
    cacheBudgetBytes: environment.FARMHAND_ASSET_CACHE_BYTES,
    downloadBytesPerSecond: environment.FARMHAND_DOWNLOAD_LIMIT ?? null,
    minFreeDiskBytes: environment.FARMHAND_MIN_FREE_DISK_BYTES,
    drainSeconds: environment.FARMHAND_DRAIN_SECONDS,
    site: environment.FARMHAND_WORKER_SITE ?? null,
    tags: environment.FARMHAND_WORKER_TAGS,
    roots: environment.FARMHAND_ROOTS,
    pushedEngines: environment.FARMHAND_PUSHED_ENGINES === 'on',
    onlyEngines: environment.FARMHAND_ENGINES?.split(',').map((name) => name.trim()) ?? null,
    timetable: environment.FARMHAND_WORKER_TIMETABLE ?? null,
  };
}

/** The machine's memory, or what a container may use of it. */
function memoryBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
