import type { SimTask } from '../../src/coordinator/simulator/sim-task.ts';
import type { SimStep } from '../../src/coordinator/simulator/sim-step.ts';
import { Simulation } from '../../src/coordinator/simulator/simulation.ts';
import { stepsOf } from '../../src/coordinator/simulator/steps.ts';
import { parseTrace, type Trace } from '../../src/coordinator/simulator/trace.ts';

/** Parts of traces for tests of a farm over a long time: a test says only what matters to it. */

/** Workers of four slots, all equal, unless a test says otherwise. */
export const cpuGroup = { name: 'cpu', slots: 4, engines: { blender: '4.2.3' } };

/** Frames of 4 s in the middle, a usual spread. */
export const usualSpread = { kind: 'lognormal', median: 4, sigma: 0.5 };

export const fixed = (seconds: number): object => ({ kind: 'fixed', seconds });

export const traceJobs = (name: string, frames: number, changes: object = {}): object => ({
  name,
  frames,
  frameSeconds: usualSpread,
  engine: 'blender',
  ...changes,
});

export const traceOf = (changes: object): Trace => parseTrace({ version: 1, groups: [cpuGroup], ...changes });

/** A trace under way, to be looked at in between. Times are seconds of the farm's own clock. */
export class Play {
  readonly simulation: Simulation;
  readonly steps: readonly SimStep[];

  constructor(trace: Trace) {
    this.steps = stepsOf(trace, trace.seed);
    this.simulation = new Simulation(trace, trace.workers, this.steps);
  }

  job(jobId: string): SimStep {
    const step = this.steps.find((one) => one.jobId === jobId);
    if (!step) throw new Error(`the trace has no job ${jobId}`);
    return step;
  }

  /** Seconds from the job's submission to the start of its first frame; Infinity: it has not started. */
  waitOf(jobId: string): number {
    const { firstStartMs, submittedAtMs } = this.job(jobId);
    return firstStartMs === null ? Infinity : (firstStartMs - submittedAtMs) / 1_000;
  }

  /** When the job's last frame ended; Infinity: not yet. */
  endOf(jobId: string): number {
    const { endedMs } = this.job(jobId);
    return endedMs === null ? Infinity : endedMs / 1_000;
  }

  /** Plays on to that second. */
  until(seconds: number): void {
    this.simulation.run(seconds * 1_000);
  }

  /** Slots that running tasks take now, by what `nameOf` says of them. */
  running(nameOf: (task: SimTask) => string): Map<string, number> {
    const slots = new Map<string, number>();
    for (const task of this.simulation.farm.tasks) {
      if (task.state !== 'running') continue;
      slots.set(nameOf(task), (slots.get(nameOf(task)) ?? 0) + task.slots);
    }
    return slots;
  }

  /** Plays on between two seconds and looks once a second. @returns slots on average, by what `nameOf` says of tasks. */
  slotsOnAverage(from: number, to: number, nameOf: (task: SimTask) => string): Map<string, number> {
    const sums = new Map<string, number>();
    // A quarter past: on the second, tasks of whole seconds have ended and the next have not begun.
    for (let second = from; second < to; second++) {
      this.until(second + 0.25);
      for (const [name, slots] of this.running(nameOf))
        sums.set(name, (sums.get(name) ?? 0) + slots / (to - from));
    }
    return sums;
  }

  /** Plays on between two seconds. @returns the longest time, in seconds, in which no task of the job ran, up to its end. */
  longestPause(jobId: string, from: number, to: number): number {
    let [pause, longest] = [0, 0];
    for (let second = from; second < to && this.job(jobId).unfinished > 0; second++) {
      this.until(second + 0.25);
      pause = this.running((task) => task.jobId).has(jobId) ? 0 : pause + 1;
      longest = Math.max(longest, pause);
    }
    return longest;
  }
}
