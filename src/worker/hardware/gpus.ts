import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Heartbeat } from '../../shared/contracts/messages.ts';
import type { Logger } from '../../shared/logging/logger.ts';

export type Gpu = Heartbeat['gpus'][number];

const QUERY = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
const QUERY_TIMEOUT_MS = 10_000;
const MIB = 1_048_576;

/**
 * NVIDIA's GPUs of this machine, in the order of their indices, as `nvidia-smi` lists them (its `--query-gpu` prints memory
 * in MiB). None where that program is missing. Not run on a machine with a GPU; the parser is tested with its documented form.
 */
export async function detectGpus(log: Logger): Promise<Gpu[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', QUERY, { timeout: QUERY_TIMEOUT_MS });
    return parseGpus(stdout);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ err: error }, 'nvidia-smi did not tell its GPUs');
    return [];
  }
}

export function parseGpus(text: string): Gpu[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const comma = line.lastIndexOf(',');
      const mebibytes = Number(line.slice(comma + 1));
      return {
        name: (comma < 0 ? line : line.slice(0, comma)).trim().slice(0, 128),
        memoryBytes: comma >= 0 && Number.isFinite(mebibytes) ? Math.round(mebibytes * MIB) : null,
      };
    });
}

/** Gives each task GPUs of its own. */
export class GpuSlots {
  readonly #free: number[];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    this.#free = Array.from({ length: count }, (_, index) => index);
  }

  /** @returns indices, ascending; fewer than asked for when others have the rest (the coordinator counts, too). */
  take(wanted: number): number[] {
    return this.#free.splice(0, wanted).sort((a, b) => a - b);
  }

  giveBack(indices: readonly number[]): void {
    this.#free.push(...indices);
    this.#free.sort((a, b) => a - b);
  }

  /** What engines are told: these GPUs and no others. Nothing on a machine without GPUs. */
  environment(indices: readonly number[]): Record<string, string> {
    if (this.#count === 0) return {};
    const list = indices.join(',');
    return { CUDA_VISIBLE_DEVICES: list, HIP_VISIBLE_DEVICES: list, NVIDIA_VISIBLE_DEVICES: list || 'void' };
  }
}
