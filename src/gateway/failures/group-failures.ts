import { FAILURE_COLUMNS } from '../../shared/contracts/failure-api.ts';
import type { FailedAttempt } from '../ledger/failure-queries.ts';

/** Attempts of one reason, counted. */
export interface CountedGroup {
  fingerprint: string;
  attempts: number;
  frames: number;
  firstAt: Date;
  lastAt: Date;
  times: number[];
  /** With most attempts first. */
  jobs: Counted[];
  workers: Counted[];
  /** Steps by key, with most attempts first. */
  steps: Counted[];
  newest: FailedAttempt;
  ids: Set<string>;
}

export interface Counted {
  id: string;
  attempts: number;
  times: number[];
}

/** Attempts by reason: those with the most frames first, and the newest of equals. Pure. @param attempts newest first */
export function groupFailures(attempts: readonly FailedAttempt[]): CountedGroup[] {
  const byReason = Map.groupBy(attempts, ({ fingerprint }) => fingerprint);
  return [...byReason.values()]
    .flatMap((group) => countGroup(group) ?? [])
    .sort((a, b) => b.frames - a.frames || b.lastAt.getTime() - a.lastAt.getTime());
}

function countGroup(attempts: readonly FailedAttempt[]): CountedGroup | undefined {
  const newest = attempts[0];
  const oldest = attempts.at(-1);
  if (!newest || !oldest) return undefined;
  return {
    fingerprint: newest.fingerprint,
    attempts: attempts.length,
    frames: countFrames(attempts),
    firstAt: oldest.at,
    lastAt: newest.at,
    times: countTimes(attempts),
    jobs: countBy(attempts, ({ job }) => job),
    workers: countBy(attempts, ({ worker }) => worker),
    steps: countBy(attempts, ({ stepKey }) => stepKey),
    newest,
    ids: new Set(attempts.map(({ id }) => id)),
  };
}

/** A frame counts once however often it failed; where it is not known which one failed, all that were open do. */
function countFrames(attempts: readonly FailedAttempt[]): number {
  const frames = new Map<string, number>();
  for (const { stepKey, frame, firstFrame, open } of attempts) {
    const key = `${stepKey}/${frame ?? firstFrame}`;
    frames.set(key, Math.max(frames.get(key) ?? 0, frame === null ? open : 1));
  }
  return [...frames.values()].reduce((sum, count) => sum + count, 0);
}

function countTimes(attempts: readonly FailedAttempt[]): number[] {
  const times = new Array<number>(FAILURE_COLUMNS).fill(0);
  for (const { column } of attempts) times[column] = (times[column] ?? 0) + 1;
  return times;
}

function countBy(attempts: readonly FailedAttempt[], idOf: (attempt: FailedAttempt) => string): Counted[] {
  return [...Map.groupBy(attempts, idOf)]
    .map(([id, own]) => ({ id, attempts: own.length, times: countTimes(own) }))
    .sort((a, b) => b.attempts - a.attempts || (a.id < b.id ? -1 : 1));
}
