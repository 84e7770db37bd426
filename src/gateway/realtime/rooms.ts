import { ATTEMPT_ID_PATTERN, isId } from '../../shared/domain/ids.ts';

/** What a room's name says. */
export type Room =
  | { kind: 'farm' }
  | { kind: 'jobs' }
  | { kind: 'workers' }
  | { kind: 'job'; jobId: string }
  | { kind: 'log'; attempt: string };

export const ROOMS = {
  farm: 'farm',
  jobs: 'jobs',
  workers: 'workers',
  job: (jobId: string): string => `job:${jobId}`,
  log: (attempt: string): string => `log:${attempt}`,
} as const;

/** @returns undefined for anything that is not the name of a room. */
export function parseRoom(name: unknown): Room | undefined {
  if (typeof name !== 'string' || name.length > 200) return undefined;
  if (name === ROOMS.farm) return { kind: 'farm' };
  if (name === ROOMS.jobs) return { kind: 'jobs' };
  if (name === ROOMS.workers) return { kind: 'workers' };
  if (name.startsWith('job:') && isId(name.slice(4))) return { kind: 'job', jobId: name.slice(4) };
  if (name.startsWith('log:') && ATTEMPT_ID_PATTERN.test(name.slice(4)))
    return { kind: 'log', attempt: name.slice(4) };
  return undefined;
}
