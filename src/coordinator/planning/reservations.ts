import type { WorkerRoom } from './farm-room.ts';
import type { Fit, ShapeRoom, Shapes } from './shape-room.ts';
import type { Reservation, Snapshot, StepView, TaskView } from './snapshot.ts';

/**
 * Workers that are emptied for big tasks: in the order of turns, and only for a step before which nobody is left waiting
 * for the same workers, so that an idle slot is never kept from those whose turn it is.
 */
export class Reservations {
  readonly made: Reservation[] = [];
  readonly #nowMs: number;
  readonly #tasks: readonly TaskView[];
  #byWorker: Map<string, TaskView[]> | undefined;

  constructor({ tasks, nowMs }: Pick<Snapshot, 'tasks' | 'nowMs'>) {
    this.#tasks = tasks;
    this.#nowMs = nowMs;
  }

  /**
   * The step found no room: a worker is kept free for one of its tasks.
   * @returns undefined when there is none; then those behind it leave room for it.
   */
  ask(step: StepView, shape: ShapeRoom, shapes: Shapes): Reservation | undefined {
    const found = shape.unreservable ? undefined : (this.#kept(step, shape) ?? this.#another(shape));
    if (!found) {
      shapes.unreservable(shape);
      for (const { group } of shape.fits) group.wantedAt = Math.max(group.wantedAt, step.priority);
      return undefined;
    }
    const { worker, fit } = found;
    const sinceMs = worker.kept?.sinceMs ?? this.#nowMs;
    fit.group.reserve(worker);
    const reservation: Reservation = {
      worker: worker.view.id,
      group: fit.group.view.id,
      slots: fit.size,
      stepKey: step.key,
      sinceMs,
    };
    this.made.push(reservation);
    return reservation;
  }

  /** One that is being emptied already, unless somebody of a higher level now waits for it. */
  #kept(step: StepView, shape: ShapeRoom): { worker: WorkerRoom; fit: Fit } | undefined {
    for (const fit of shape.big) {
      if (fit.group.wantedAt > step.priority) continue;
      const worker = fit.group.kept(fit.size, step.key);
      if (worker) return { worker, fit };
    }
    return undefined;
  }

  #another(shape: ShapeRoom): { worker: WorkerRoom; fit: Fit } | undefined {
    const free = shape.big.filter(({ group }) => group.mayReserve && group.wantedAt < 0);
    for (const fit of free.sort((a, b) => a.major - b.major || a.minor - b.minor)) {
      const worker = fit.group.soonest(fit.size, (id) => this.#tasksOf(id));
      if (worker) return { worker, fit };
    }
    return undefined;
  }

  #tasksOf(worker: string): readonly TaskView[] {
    this.#byWorker ??= tasksByWorker(this.#tasks);
    return this.#byWorker.get(worker) ?? [];
  }
}

function tasksByWorker(tasks: readonly TaskView[]): Map<string, TaskView[]> {
  const byWorker = new Map<string, TaskView[]>();
  for (const task of tasks) {
    if (task.worker === null) continue;
    const own = byWorker.get(task.worker);
    if (own) own.push(task);
    else byWorker.set(task.worker, [task]);
  }
  return byWorker;
}
