import {
  HISTORY_SAMPLES,
  HISTORY_STEP_SECONDS,
  type WorkersHistory,
} from '../../shared/contracts/worker-api.ts';
import type { Heartbeat } from '../../shared/contracts/messages.ts';

/** More are not remembered: a few megabytes at most, whatever ids heartbeats come with. */
const MOST_WORKERS = 10_000;
const GAUGES = ['cpu', 'memory', 'slots'] as const;
const UNKNOWN = '.';
const LETTER_A = 65;
const LEVELS = 25;

type Gauges = Record<(typeof GAUGES)[number], number>;
type Told = WorkersHistory['workers'][string];

/** What one worker said within one step, and before. */
interface Kept {
  sums: Gauges;
  heard: number;
  /** A letter a step, oldest first. */
  past: Told;
  /** Of the last step that `past` has. */
  step: number;
}

/** Gauges of the last ten minutes by worker, from their heartbeats; in memory alone. */
export class GaugeHistory {
  readonly #kept = new Map<string, Kept>();

  /** @param nowMs of this process's clock: those of workers may be off. */
  add(heartbeat: Heartbeat, nowMs: number): void {
    const step = stepOf(nowMs);
    let kept = this.#kept.get(heartbeat.workerId);
    if (!kept) {
      if (this.#kept.size >= MOST_WORKERS) this.#forgetSilent(step);
      if (this.#kept.size >= MOST_WORKERS) return;
      kept = { sums: none(), heard: 0, past: { cpu: '', memory: '', slots: '' }, step };
      this.#kept.set(heartbeat.workerId, kept);
    }
    advance(kept, step);
    const now = gaugesOf(heartbeat);
    for (const gauge of GAUGES) kept.sums[gauge] += now[gauge];
    kept.heard++;
  }

  /** Of all workers, or of one; those silent for longer than is remembered are left out. */
  tell(nowMs: number, only?: string): WorkersHistory {
    const step = stepOf(nowMs);
    this.#forgetSilent(step);
    const ids = only === undefined ? [...this.#kept.keys()] : this.#kept.has(only) ? [only] : [];
    const workers: WorkersHistory['workers'] = {};
    for (const id of ids) {
      const kept = this.#kept.get(id);
      if (!kept) continue;
      const told = { ...kept, past: { ...kept.past }, sums: { ...kept.sums } };
      advance(told, step + (told.step === step ? 1 : 0));
      workers[id] = told.past;
    }
    return { now: new Date(nowMs).toISOString(), stepSeconds: HISTORY_STEP_SECONDS, workers };
  }

  #forgetSilent(step: number): void {
    for (const [id, kept] of this.#kept) if (step - kept.step > HISTORY_SAMPLES) this.#kept.delete(id);
  }
}

/** Closes the step that is being summed, and those since then in which nothing was heard. */
function advance(kept: Kept, step: number): void {
  if (step <= kept.step) return;
  const silent = Math.min(step - kept.step - 1, HISTORY_SAMPLES);
  for (const gauge of GAUGES) {
    const mean = kept.heard === 0 ? UNKNOWN : letterOf(kept.sums[gauge] / kept.heard);
    kept.past[gauge] = (kept.past[gauge] + mean + UNKNOWN.repeat(silent)).slice(-HISTORY_SAMPLES);
  }
  kept.sums = none();
  kept.heard = 0;
  kept.step = step;
}

const stepOf = (nowMs: number): number => Math.floor(nowMs / 1_000 / HISTORY_STEP_SECONDS);
const none = (): Gauges => ({ cpu: 0, memory: 0, slots: 0 });

/** @param share from 0 to 1; more is told as 1. */
function letterOf(share: number): string {
  return String.fromCharCode(LETTER_A + Math.round(Math.min(1, Math.max(0, share)) * LEVELS));
}

function gaugesOf({ load, cores, memoryBytes, freeMemoryBytes, slots, attempts }: Heartbeat): Gauges {
  const used = attempts.reduce((sum, attempt) => sum + (attempt.waiting ? 0 : attempt.slots), 0);
  return {
    cpu: load / cores,
    memory: memoryBytes > 0 ? 1 - freeMemoryBytes / memoryBytes : 0,
    slots: used / slots,
  };
}
