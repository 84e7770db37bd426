import type { Snapshot, TaskView } from './snapshot.ts';

/** Slot-seconds that one slot in constant use comes to under the half-life of five minutes: turns them into slots. */
const SLOT_SECONDS_PER_SLOT = 300 / Math.LN2;

/** Those who share with each other: all projects, the owners of a project, the jobs of an owner. */
interface Siblings {
  slots: number;
  /** Of those that have something: a long queue of others takes nothing off a fair share. */
  weight: number;
}

/** What one project, owner or job has of the farm: slots in use now and slots used lately. */
export interface Use {
  slots: number;
  readonly weight: number;
  readonly siblings: Siblings;
}

/** Slots that are its fair part of what it and its siblings have. */
export function fairSlots({ weight, siblings }: Use): number {
  return siblings.weight === 0 ? 0 : (siblings.slots / siblings.weight) * weight;
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
  readonly #projects = new Map<string, Use>();
  readonly #allProjects = newSiblings();
  readonly #owners = new Map<string, Family>();
  readonly #jobs = new Map<string, Use>();

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
    return (
      this.#projects.get(project) ??
      this.#make(this.#projects, project, this.#allProjects, this.#lately.project.get(project), 'project')
    );
  }

  owner(project: string, owner: string): Use {
    const { owners, siblings } = getOrMake(this.#owners, project, newFamily);
    return owners.get(owner) ?? this.#make(owners, owner, siblings, this.#lately.owner.get(owner), 'owner');
  }

  job(project: string, owner: string, jobId: string): Use {
    return (
      this.#jobs.get(jobId) ??
      this.#make(this.#jobs, jobId, this.#siblingsOf(project, owner), this.#lately.job.get(jobId))
    );
  }

  /** Of an owner's waiting jobs: what each has. Those that never had anything, most of a long queue, share one answer. */
  waiting(project: string, owner: string): (jobId: string) => Use {
    const siblings = this.#siblingsOf(project, owner);
    const fresh: Use = { slots: 0, weight: 1, siblings };
    return (jobId) =>
      this.#jobs.has(jobId) || this.#lately.job.has(jobId) ? this.job(project, owner, jobId) : fresh;
  }

  /** Whether the project of the step has less than its fair share, and its owner less than his. */
  isBehind({ project, owner }: Pick<TaskView, 'project' | 'owner'>): boolean {
    return [this.project(project), this.owner(project, owner)].every(
      (use) => use.slots === 0 || use.slots < fairSlots(use),
    );
  }

  #siblingsOf(project: string, owner: string): Siblings {
    const { jobs } = getOrMake(this.#owners, project, newFamily);
    return getOrMake(jobs, owner, newSiblings);
  }

  /** A task of so many slots was given to a job. */
  add({ project, owner, jobId }: { project: string; owner: string; jobId: string }, slots: number): void {
    let uses = this.#byJob.get(jobId);
    if (!uses) {
      uses = [this.project(project), this.owner(project, owner), this.job(project, owner, jobId)];
      this.#byJob.set(jobId, uses);
    }
    for (const use of uses) {
      if (use.slots === 0) use.siblings.weight += use.weight;
      use.slots += slots;
      use.siblings.slots += slots;
    }
  }

  #make(
    uses: Map<string, Use>,
    name: string,
    siblings: Siblings,
    slotSeconds = 0,
    kind?: 'project' | 'owner',
  ): Use {
    const weight = (kind && this.#weights.get(`${kind}\n${name}`)) ?? 1;
    const use: Use = { slots: slotSeconds / SLOT_SECONDS_PER_SLOT, weight, siblings };
    siblings.slots += use.slots;
    if (use.slots > 0) siblings.weight += weight;
    uses.set(name, use);
    return use;
  }
}

/** The owners of a project, and what shares of it are made of. */
interface Family {
  owners: Map<string, Use>;
  siblings: Siblings;
  /** Of the jobs of each owner. */
  jobs: Map<string, Siblings>;
}

const newSiblings = (): Siblings => ({ slots: 0, weight: 0 });
const newFamily = (): Family => ({ owners: new Map(), siblings: newSiblings(), jobs: new Map() });

function getOrMake<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
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
