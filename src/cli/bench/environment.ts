import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

/** What a figure depends on beside the farm itself. */
export interface BenchEnvironment {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  node: string;
}

export function benchEnvironment(): BenchEnvironment {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.version,
  };
}
