import { CompletionRate, laneWindow } from '../planning/lane-window.ts';
import type { DispatchPlan, TaskCut } from '../planning/snapshot.ts';
import type { VirtualClock } from './clock.ts';
import { share } from './share.ts';
import type { SimStep } from './sim-step.ts';
import { SimTask } from './sim-task.ts';
import { SimGroup, SimWorker } from './sim-worker.ts';
import type { Trace } from './trace.ts';

/** A worker that dies says nothing: so long until its frames are given to others. */
const LOSS_NOTICED_MS = 6_000;

/** What is told about tasks as they come and go. */
export interface SimListener {
  cut: (task: SimTask) => void;
  began: (task: SimTask) => void;
  /** A frame was rendered, or used up its attempts. */
  frameEnded: (task: SimTask, frame: number, accepted: boolean) => void;
  /** A task has left its worker or its lane. */
  ended: (task: SimTask, ran: boolean) => void;
  changed: () => void;
}

/** Workers, lanes and tasks on virtual time: what the real farm does with a plan, without doing it. */
export class SimFarm {
  readonly groups: readonly SimGroup[];
  /** Those that are queued or running. */
  readonly tasks: SimTask[] = [];
  slots = 0;
  readonly #clock: VirtualClock;
  readonly #listener: SimListener;
  readonly #byName: ReadonlyMap<string, SimGroup>;
  readonly #byKey = new Map<string, SimTask>();
  readonly #workers = new Map<string, SimWorker>();
  readonly #rates = new Map<SimGroup, CompletionRate>();
  #made = 0;
  #joined = 0;

  constructor(trace: Trace, workers: number, clock: VirtualClock, listener: SimListener) {
    this.#clock = clock;
    this.#listener = listener;
    this.groups = trace.groups.map((group) => new SimGroup(group));
    this.#byName = new Map(this.groups.map((group) => [group.id, group]));
    for (const [index, count] of share(workers, trace.groups).entries()) {
      const group = this.groups[index];
      if (group) this.#add(group, count);
    }
  }

  join(groupName: string, workers: number): void {
    const group = this.#byName.get(groupName);
    if (group) this.#add(group, workers);
    this.#listener.changed();
  }

  /** Workers that die without a word, those that joined first. Never more than there are. */
  leave(groupName: string, workers: number): void {
    const group = this.#byName.get(groupName);
    for (const worker of group?.workers.splice(0, workers) ?? []) this.#remove(worker);
    this.#listener.changed();
  }

  /** Measures how much each group may get now. */
  measureWindows(): void {
    for (const group of this.groups) {
      let [slots, taken] = [0, 0];
      for (const worker of group.workers) {
        if (worker.reserving !== null || worker.big.length > 0) continue;
        slots += group.slots;
        taken += Math.min(group.slots, worker.used + worker.home.length);
      }
      const rate = this.#rates.get(group)?.read(this.#clock.nowMs);
      group.window = laneWindow({ slots, queued: group.queue.length, running: taken, rate });
    }
  }

  /** Does what a round of dispatch decided. */
  carryOut(plan: DispatchPlan, steps: ReadonlyMap<string, SimStep>): void {
    const reserved = new Map(plan.reservations.map((reservation) => [reservation.worker, reservation]));
    const freed: SimWorker[] = [];
    for (const worker of this.#workers.values()) {
      if (worker.reserving !== null && !reserved.has(worker.id)) freed.push(worker);
      worker.reserving = reserved.get(worker.id) ?? null;
    }
    for (const cut of plan.cuts) this.#cut(cut, steps);
    for (const worker of freed) this.#pull(worker);
    for (const group of this.groups) this.#serveQueue(group);
  }

  /** Has a task give back what it has not begun. @returns whether it has anything to give. */
  takeBack(key: string): boolean {
    const task = this.#byKey.get(key);
    if (!task || task.releasing) return false;
    if (task.state === 'queued') this.#takeQueued(task);
    else {
      const { version } = task;
      task.release();
      if (task.version === version) return false;
      this.#endLater(task);
    }
    return true;
  }

  #cut(cut: TaskCut, steps: ReadonlyMap<string, SimStep>): void {
    const step = steps.get(cut.stepKey);
    const group = this.#byName.get(cut.group);
    const home = cut.worker === null ? null : this.#workers.get(cut.worker);
    if (!step || !group || home === undefined)
      throw new Error(`a cut for what is not there: ${JSON.stringify(cut)}`);
    const version = group.engines.get(step.needs.engine);
    if (version === undefined) throw new Error(`${group.id} does not offer ${step.needs.engine}`);
    step.needs = step.needs.engineVersion === null ? { ...step.needs, engineVersion: version } : step.needs;
    if (step.needs.engineVersion !== version) throw new Error(`${step.jobId} was given two versions`);
    const frames = step.take(cut.frames);
    const parts = { key: String(this.#made++), step, group: group.id, slots: cut.slots, frames, home };
    const task = new SimTask(parts, () => this.#clock.nowMs);
    task.index = this.tasks.push(task) - 1;
    this.#byKey.set(task.key, task);
    if (home && cut.slots > 1) home.addBig(task);
    else if (home) home.home.push(task);
    else group.queue.push(task);
    this.#listener.cut(task);
    if (home) this.#pull(home);
  }

  #serveQueue(group: SimGroup): void {
    while (group.queue.length > 0) {
      const worker = group.withRoom.shift();
      if (!worker) return;
      worker.listed = false;
      const before = worker.used;
      const task = worker.gone || worker.reserving !== null ? undefined : worker.next();
      if (task) this.#begin(task, worker);
      if (worker.used > before) this.#list(worker);
    }
  }

  #list(worker: SimWorker): void {
    if (worker.listed || worker.gone || worker.reserving !== null || worker.used >= worker.group.slots)
      return;
    worker.listed = true;
    worker.group.withRoom.push(worker);
  }

  #pull(worker: SimWorker): void {
    for (let task = worker.next(); task; task = worker.next()) this.#begin(task, worker);
    this.#list(worker);
  }

  #begin(task: SimTask, worker: SimWorker): void {
    worker.begin(task);
    task.start(worker, this.#clock.nowMs + worker.load(task.step) * 1_000);
    this.#listener.began(task);
    this.#endLater(task);
  }

  #endLater(task: SimTask): void {
    const { version } = task;
    this.#clock.at(task.ends.at(-1) ?? this.#clock.nowMs, () => {
      if (task.version === version) this.#end(task);
    });
  }

  #end(task: SimTask): void {
    const worker = task.runner;
    if (!worker) return;
    this.#settle(task, task.ends.length, task.failing);
    worker.end(task);
    if (task.slots === 1) this.#rateOf(worker.group).add(1);
    this.#forget(task, true);
    if (!worker.gone) this.#pull(worker);
    this.#listener.changed();
  }

  /** @param count frames that were begun and ended; with `failing` the last of them failed. */
  #settle(task: SimTask, count: number, failing: boolean): void {
    task.frames.forEach((frame, index) => {
      const { step } = task;
      if (index >= count) step.giveBack(frame);
      else if (failing && index === count - 1) {
        if (step.fail(frame)) this.#listener.frameEnded(task, frame, false);
      } else {
        step.finish(frame, step.secondsOf(frame));
        this.#listener.frameEnded(task, frame, true);
      }
    });
  }

  #takeQueued(task: SimTask): void {
    const { home } = task;
    const group = this.#byName.get(task.group);
    if (home) home.home.splice(home.home.indexOf(task), home.home.includes(task) ? 1 : 0);
    else group?.queue.remove(task);
    this.#settle(task, 0, false);
    this.#forget(task, false);
    this.#listener.changed();
  }

  #remove(worker: SimWorker): void {
    worker.gone = true;
    this.slots -= worker.group.slots;
    this.#workers.delete(worker.id);
    for (const task of [...worker.home, ...worker.big]) {
      this.#settle(task, 0, false);
      this.#forget(task, false);
    }
    for (const task of worker.running) {
      const done = task.framesDone();
      task.version++;
      this.#clock.at(this.#clock.nowMs + LOSS_NOTICED_MS, () => {
        this.#settle(task, done, false);
        this.#forget(task, true);
        this.#listener.changed();
      });
    }
  }

  #forget(task: SimTask, ran: boolean): void {
    const last = this.tasks.pop();
    if (last && last !== task) {
      this.tasks[task.index] = last;
      last.index = task.index;
    }
    this.#byKey.delete(task.key);
    this.#listener.ended(task, ran);
  }

  #add(group: SimGroup, count: number): void {
    for (let added = 0; added < count; added++) {
      const worker = new SimWorker(`${group.id}-${++this.#joined}`, group);
      group.workers.push(worker);
      this.#workers.set(worker.id, worker);
      this.slots += group.slots;
      this.#list(worker);
    }
  }

  #rateOf(group: SimGroup): CompletionRate {
    let rate = this.#rates.get(group);
    if (!rate) this.#rates.set(group, (rate = new CompletionRate(this.#clock.nowMs)));
    return rate;
  }
}
