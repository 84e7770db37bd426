import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import packageJson from '../../../package.json' with { type: 'json' };
import { roundMs } from './percentiles.ts';

/** What a figure depends on beside the farm itself. */
export interface BenchEnvironment {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  /** Processes that wanted a core in the minute before: more than `cores` says that others were using the machine. */
  loadAverage: number;
  farmhand: string;
  node: string;
}

/** Read before anything is started, so that the load is that of others. */
export function benchEnvironment(): BenchEnvironment {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    loadAverage: roundMs(loadavg()[0] ?? 0),
    farmhand: packageJson.version,
    node: process.version,
  };
}
