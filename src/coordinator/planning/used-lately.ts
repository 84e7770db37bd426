import type { UsedLately } from './snapshot.ts';

const HALF_LIFE_MS = 300_000;
/** Less than this many slot-seconds are forgotten. */
const FORGOTTEN = 0.01;

interface Use {
  project: string;
  owner: string;
  jobId: string;
  slots: number;
}

/** Slot-seconds that projects, owners and jobs have used lately: they fade by half every five minutes. */
export class UsedLatelyMeter implements UsedLately {
  readonly project = new Map<string, number>();
  readonly owner = new Map<string, number>();
  readonly job = new Map<string, number>();
  #at: number | undefined;

  /**
   * Counts what runs now for the time since it was last looked at.
   * @param nowMs milliseconds that grow.
   */
  measure(running: Iterable<Use>, nowMs: number): void {
    const before = this.#at;
    this.#at = nowMs;
    if (before === undefined || nowMs <= before) return;
    const keep = 0.5 ** ((nowMs - before) / HALF_LIFE_MS);
    for (const used of [this.project, this.owner, this.job]) fade(used, keep);
    const seconds = (nowMs - before) / 1_000;
    for (const { project, owner, jobId, slots } of running) {
      add(this.project, project, slots * seconds);
      add(this.owner, owner, slots * seconds);
      add(this.job, jobId, slots * seconds);
    }
  }
}

function fade(used: Map<string, number>, keep: number): void {
  for (const [name, slotSeconds] of used)
    if (slotSeconds * keep < FORGOTTEN) used.delete(name);
    else used.set(name, slotSeconds * keep);
}

function add(used: Map<string, number>, name: string, slotSeconds: number): void {
  used.set(name, (used.get(name) ?? 0) + slotSeconds);
}
