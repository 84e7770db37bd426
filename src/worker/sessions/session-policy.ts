/** Which warm sessions are kept. Pure: the pool does what these say. */

/** A session is renewed after so many frames: engines leak. */
export const RECYCLE_FRAMES = 200;
export const IDLE_MS = 600_000;
/** A session's memory may grow by half, and by so much in any case, over what it was after its first frame. */
const GROWTH = 1.5;
const GROWTH_SLACK_BYTES = 128 * 1_048_576;
/** After so many crashes a scene is rendered cold: one frame a process. */
const CRASHES_UNTIL_COLD = 2;

export interface SessionUse {
  frames: number;
  memoryBytes: number;
  /** After the first frame; undefined before. */
  baselineBytes: number | undefined;
}

export function mustRecycle(use: SessionUse): boolean {
  if (use.frames >= RECYCLE_FRAMES) return true;
  const baseline = use.baselineBytes;
  return baseline !== undefined && use.memoryBytes > baseline * GROWTH + GROWTH_SLACK_BYTES;
}

export interface IdleSession {
  lastUsedMs: number;
  memoryBytes: number;
}

export interface IdleBudget {
  /** Sessions in use, with their memory. */
  busy: number;
  busyBytes: number;
  maxSessions: number;
  maxBytes: number;
}

/** Idle sessions that have to go: idle too long, or, least recently used first, beyond the number or the memory. */
export function sessionsToClose<S extends IdleSession>(
  idle: readonly S[],
  budget: IdleBudget,
  nowMs: number,
): S[] {
  const newestFirst = [...idle].sort((a, b) => b.lastUsedMs - a.lastUsedMs);
  let count = budget.busy;
  let bytes = budget.busyBytes;
  return newestFirst.filter((session) => {
    const fits = count + 1 <= budget.maxSessions && bytes + session.memoryBytes <= budget.maxBytes;
    if (!fits || nowMs - session.lastUsedMs >= IDLE_MS) return true;
    count += 1;
    bytes += session.memoryBytes;
    return false;
  });
}

/** Remembers which scenes crashed their engine, for as many scenes as matter. */
export class CrashRecord {
  readonly #crashes = new Map<string, number>();

  add(scene: string): void {
    const crashes = (this.#crashes.get(scene) ?? 0) + 1;
    this.#crashes.delete(scene);
    this.#crashes.set(scene, crashes);
    const [oldest] = this.#crashes.keys();
    if (this.#crashes.size > 1_000 && oldest !== undefined) this.#crashes.delete(oldest);
  }

  isCold(scene: string): boolean {
    return (this.#crashes.get(scene) ?? 0) >= CRASHES_UNTIL_COLD;
  }
}
