import { fits, shapeOf, slotsNeeded } from '../planning/fitting.ts';
import { planMakeRoom } from '../planning/make-room.ts';
import { planRound } from '../planning/plan-round.ts';
import { planTakeBack } from '../planning/plan-take-back.ts';
import type { Snapshot } from '../planning/snapshot.ts';
import { UsedLatelyMeter } from '../planning/used-lately.ts';
import { VirtualClock } from './clock.ts';
import type { Demand } from './fair-use.ts';
import { Measures } from './figures.ts';
import { LimitWatch } from './limit-watch.ts';
import { SimFarm } from './sim-farm.ts';
import type { SimStep } from './sim-step.ts';
import type { SimTask } from './sim-task.ts';
import type { Trace } from './trace.ts';

/** Rounds of dispatch are no closer together than this: what happens in between is decided on at once. */
const ROUND_EVERY_MS = 100;
/** Use, shares, and what is to be taken back are looked at so often. */
const LOOK_EVERY_MS = 1_000;
/** A farm on which no task ends for so long cannot finish its jobs. */
const STUCK_MS = 7 * 86_400_000;

/** One play of a trace. */
export class Simulation {
  readonly farm: SimFarm;
  readonly measures = new Measures();
  /** Of each round of dispatch: milliseconds of real time. */
  readonly roundsMs: number[] = [];
  readonly takenBack: Record<string, number> = {};
  /** Frames that have neither been rendered nor used up their attempts. */
  unfinished: number;
  readonly #trace: Trace;
  readonly #clock: VirtualClock;
  readonly #limits: LimitWatch;
  readonly #used = new UsedLatelyMeter();
  readonly #steps: ReadonlyMap<string, SimStep>;
  readonly #open = new Set<SimStep>();
  #roundIsDue = false;
  #lastRoundMs = -ROUND_EVERY_MS;
  #progressMs = 0;

  constructor(trace: Trace, workers: number, steps: readonly SimStep[]) {
    this.#trace = trace;
    this.#clock = new VirtualClock((from, to) => this.measures.passing(to - from));
    this.#limits = new LimitWatch(trace.rules.limits);
    this.#steps = new Map(steps.map((step) => [step.key, step]));
    this.unfinished = steps.reduce((sum, step) => sum + step.spec.frames, 0);
    this.farm = new SimFarm(trace, workers, this.#clock, {
      cut: (task) => this.#limits.add(task),
      began: (task) => this.#began(task),
      frameEnded: (task, frame, accepted) => this.#frameEnded(task, frame, accepted),
      ended: (task, ran) => this.#ended(task, ran),
      changed: () => this.#roundSoon(),
    });
    for (const step of steps) this.#clock.at(step.submittedAtMs, () => this.#arrives(step));
    for (const { at, group, workers: some } of trace.joins)
      this.#clock.at(at * 1_000, () => this.farm.join(group, some));
    for (const { at, group, workers: some } of trace.leaves)
      this.#clock.at(at * 1_000, () => this.farm.leave(group, some));
    this.#clock.at(LOOK_EVERY_MS, () => this.#look());
  }

  /** Plays on until all frames have ended, nothing can go on, or so much virtual time has passed since its beginning. */
  run(untilMs = Infinity): void {
    while (this.unfinished > 0 && this.#clock.nowMs - this.#progressMs < STUCK_MS)
      if (!this.#clock.step(untilMs)) return;
  }

  #arrives(step: SimStep): void {
    this.#open.add(step);
    this.#progressMs = this.#clock.nowMs;
    this.#roundSoon();
  }

  #began(task: SimTask): void {
    task.step.firstStartMs ??= this.#clock.nowMs;
    this.measures.began(task);
  }

  #frameEnded({ step, slots }: SimTask, frame: number, accepted: boolean): void {
    this.unfinished--;
    this.measures.frameEnded(slots, step.secondsOf(frame), accepted, this.#clock.nowMs);
    if (step.unfinished > 0) return;
    step.endedMs = this.#clock.nowMs;
    this.#open.delete(step);
  }

  #ended(task: SimTask, ran: boolean): void {
    this.#limits.remove(task);
    if (!ran) return;
    this.measures.left(task);
    this.#progressMs = this.#clock.nowMs;
  }

  #roundSoon(): void {
    if (this.#roundIsDue) return;
    this.#roundIsDue = true;
    this.#clock.at(this.#lastRoundMs + ROUND_EVERY_MS, () => this.#round());
  }

  #round(): void {
    this.#roundIsDue = false;
    this.#lastRoundMs = this.#clock.nowMs;
    const began = performance.now();
    const plan = planRound(this.#snapshot());
    this.roundsMs.push(performance.now() - began);
    this.farm.carryOut(plan, this.#steps);
  }

  #look(): void {
    const { tasks, slots } = this.farm;
    this.#used.measure(
      tasks.filter((task) => task.state === 'running'),
      this.#clock.nowMs,
    );
    this.measures.share(this.#demands(), slots, this.#trace.rules, LOOK_EVERY_MS);
    const snapshot = this.#snapshot();
    for (const key of planMakeRoom(snapshot, planRound)) this.#takeBack(key, 'room');
    for (const { taskKey, why } of planTakeBack(snapshot)) this.#takeBack(taskKey, why);
    this.#clock.at(this.#clock.nowMs + LOOK_EVERY_MS, () => this.#look());
  }

  #takeBack(key: string, why: string): void {
    if (this.farm.takeBack(key)) this.takenBack[why] = (this.takenBack[why] ?? 0) + 1;
  }

  #snapshot(): Snapshot {
    this.farm.measureWindows();
    return {
      nowMs: this.#clock.nowMs,
      steps: [...this.#open].filter((step) => step.ready > 0),
      groups: this.farm.groups,
      tasks: this.farm.tasks,
      rules: this.#trace.rules,
      used: this.#used,
    };
  }

  /** Slots that unfinished frames could use, by project and level: no more than there are where they fit. */
  #demands(): Demand[] {
    const demands = new Map<string, Demand & { room: number }>();
    for (const step of this.#open) {
      const { project, priority } = step;
      const shape = shapeOf(step.needs);
      const key = `${priority} ${project} ${shape}`;
      const frames = step.chunk === 'sequential' ? 1 : Math.min(step.unfinished, step.jobLimit ?? Infinity);
      const known = demands.get(key) ?? { project, priority, slots: 0, room: this.#roomFor(step) };
      known.slots = Math.min(known.room, known.slots + frames * this.#sizeOf(step));
      demands.set(key, known);
    }
    const byProject = new Map<string, Demand>();
    for (const { project, priority, slots } of demands.values()) {
      const key = `${priority} ${project}`;
      byProject.set(key, { project, priority, slots: slots + (byProject.get(key)?.slots ?? 0) });
    }
    return [...byProject.values()];
  }

  /** Slots of the groups where it fits. */
  #roomFor(step: SimStep): number {
    const fitting = this.farm.groups.filter((group) => fits(step.needs, group));
    return fitting.reduce((sum, group) => sum + group.workers.length * group.slots, 0);
  }

  #sizeOf(step: SimStep): number {
    step.size ??= Math.min(...this.farm.groups.flatMap((group) => slotsNeeded(step.needs, group) ?? []));
    return step.size;
  }
}
