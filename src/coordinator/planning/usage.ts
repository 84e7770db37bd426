import type { Snapshot, TaskView } from './snapshot.ts';

/** Slot-seconds that one slot in constant use comes to under the half-life of five minutes: turns them into slots. */
const SLOT_SECONDS_PER_SLOT = 300 / Math.LN2;

/** Those who share with each other: all projects, the owners of a project, the jobs of an owner. */
interface Siblings {
  slots: number;
  weight: number;
}

/** What one project, owner or job has of the farm: slots in use now and slots used lately. */
export interface Use {
  slots: number;
  readonly weight: number;
  readonly siblings: Siblings;
}

/** The open tasks of one step. */
export interface StepTally {
  task: TaskView;
  tasks: number;
  slots: number;
}

/** Who has how much of the farm, from the tasks of a snapshot and from what was used lately. */
export class Usage {
  readonly bySteps = new Map<string, StepTally>();
  readonly #lately: Snapshot['used'];
  readonly #weights = new Map<string, number>();
  /** Of a job: what its project, its owner and it have. */
  readonly #byJob = new Map<string, readonly Use[]>();
  readonly #uses = new Map<string, Use>();
  readonly #siblings = new Map<string, Siblings>();

  constructor({ tasks, used, rules }: Pick<Snapshot, 'tasks' | 'used' | 'rules'>) {
    this.#lately = used;
    for (const share of rules.shares) this.#weights.set(`${share.kind}\n${share.name}`, share.weight);
    // By step first: a look-up a task is all that thirty thousand of them may cost.
    for (const task of tasks) {
      const tally = this.bySteps.get(task.stepKey);
      if (tally) {
        tally.tasks++;
        tally.slots += task.slots;
      } else this.bySteps.set(task.stepKey, { task, tasks: 1, slots: task.slots });
    }
    for (const { task, slots } of this.bySteps.values()) this.add(task, slots);
  }

  project(project: string): Use {
    return this.#use('', `project\n${project}`, this.#lately.project.get(project));
  }

  owner(project: string, owner: string): Use {
    return this.#use(`project\n${project}`, `owner\n${owner}`, this.#lately.owner.get(owner));
  }

  job(project: string, owner: string, jobId: string): Use {
    const parent = `owner\n${project}\n${owner}`;
    return this.#use(parent, `job\n${jobId}`, this.#lately.job.get(jobId));
  }

  /** A task of so many slots was given to a job. */
  add({ project, owner, jobId }: { project: string; owner: string; jobId: string }, slots: number): void {
    let uses = this.#byJob.get(jobId);
    if (!uses) {
      uses = [this.project(project), this.owner(project, owner), this.job(project, owner, jobId)];
      this.#byJob.set(jobId, uses);
    }
    for (const use of uses) {
      use.slots += slots;
      use.siblings.slots += slots;
    }
  }

  #use(parent: string, key: string, slotSeconds: number | undefined): Use {
    const id = `${parent}\n${key}`;
    const known = this.#uses.get(id);
    if (known) return known;
    let siblings = this.#siblings.get(parent);
    if (!siblings) this.#siblings.set(parent, (siblings = { slots: 0, weight: 0 }));
    const slots = (slotSeconds ?? 0) / SLOT_SECONDS_PER_SLOT;
    const use: Use = { slots, weight: this.#weights.get(key) ?? 1, siblings };
    siblings.slots += slots;
    siblings.weight += use.weight;
    this.#uses.set(id, use);
    return use;
  }
}

/** Slots of open tasks by project, then group. */
export function slotsByGroup(tasks: readonly TaskView[]): Map<string, Map<string, number>> {
  const slots = new Map<string, Map<string, number>>();
  for (const task of tasks) addSlots(slots, task.project, task.group, task.slots);
  return slots;
}

export function addSlots(
  known: Map<string, Map<string, number>>,
  project: string,
  group: string,
  slots: number,
): void {
  const own = known.get(project);
  if (own) own.set(group, (own.get(group) ?? 0) + slots);
  else known.set(project, new Map([[group, slots]]));
}
