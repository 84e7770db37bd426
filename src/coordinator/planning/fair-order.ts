import { Heap } from './heap.ts';
import type { StepView } from './snapshot.ts';
import { fairSlots, type Usage, type Use } from './usage.ts';

/** Of a fair share: who has had less than this counts as having had so much, and the older goes first. */
const NEWCOMERS_SHARE = 0.5;

interface Node {
  name: string;
  use: Use;
  /** The lower, the sooner. */
  score: number;
  /** When the oldest of its jobs came. */
  since: number;
  steps: StepView[];
}

interface JobNode extends Node {
  /** Place of the step whose turn it is. */
  next: number;
}

/** Owners and jobs are looked at when it is their turn: most of a long queue never is in a round. */
interface OwnerNode extends Node {
  jobs: Heap<JobNode> | undefined;
}

interface ProjectNode extends Node {
  owners: Heap<OwnerNode> | undefined;
}

interface Path {
  projects: Heap<ProjectNode>;
  project: ProjectNode;
  owners: Heap<OwnerNode>;
  owner: OwnerNode;
  jobs: Heap<JobNode>;
  job: JobNode;
}

/**
 * The order of steps of one level: weighted fair share between projects, in a project between owners, and of an owner
 * between jobs; in a job, the earlier step. Who has the fewest slots for his weight is next: slots in use now, and as
 * many again for what was used lately, so that who was left behind catches up and nobody starves. Where that is equal,
 * the older job goes first. Newcomers do not go before one who is far below his share only because they never had
 * anything: below half of a fair share, as those have it that have something, the older goes first. However long the
 * queue of newcomers is, half of his share is left to him.
 */
export class FairOrder {
  readonly #usage: Usage;
  readonly #projects: Heap<ProjectNode>;

  constructor(steps: readonly StepView[], usage: Usage) {
    this.#usage = usage;
    const projects = grouped<ProjectNode>(
      steps,
      (step) => step.project,
      (name, use, first) => ({ name, use, score: 0, since: Infinity, steps: [first], owners: undefined }),
      (name) => usage.project(name),
    );
    this.#projects = ordered(projects);
  }

  /** The step whose turn it is; the same again until it is served or dropped. */
  next(): StepView | undefined {
    const job = this.#path()?.job;
    return job?.steps[job.next];
  }

  /**
   * The step whose turn it is got a task of so many slots.
   * @param more whether it may get another in this round.
   */
  served(slots: number, more: boolean): void {
    const path = this.#path();
    if (!path) return;
    const { project, owner, job } = path;
    this.#usage.add({ project: project.name, owner: owner.name, jobId: job.name }, slots);
    job.use = this.#usage.job(project.name, owner.name, job.name);
    for (const node of [project, owner, job]) node.score = scoreOf(node.use);
    if (!more) job.next++;
    settle(path);
  }

  /** The step whose turn it is gets nothing more in this round. */
  drop(): void {
    const path = this.#path();
    if (!path) return;
    path.job.next++;
    settle(path);
  }

  #path(): Path | undefined {
    const projects = this.#projects;
    const project = projects.first();
    if (!project) return undefined;
    const owners = (project.owners ??= this.#ownersOf(project));
    const owner = owners.first();
    if (!owner) return undefined;
    const jobs = (owner.jobs ??= this.#jobsOf(project.name, owner));
    const job = jobs.first();
    return job && { projects, project, owners, owner, jobs, job };
  }

  #ownersOf(project: ProjectNode): Heap<OwnerNode> {
    const owners = grouped<OwnerNode>(
      project.steps,
      (step) => step.owner,
      (name, use, first) => ({ name, use, score: 0, since: Infinity, steps: [first], jobs: undefined }),
      (name) => this.#usage.owner(project.name, name),
    );
    return ordered(owners);
  }

  #jobsOf(project: string, owner: OwnerNode): Heap<JobNode> {
    const jobs = grouped<JobNode>(
      owner.steps,
      (step) => step.jobId,
      (name, use, first) => ({ name, use, score: 0, since: Infinity, steps: [first], next: 0 }),
      this.#usage.waiting(project, owner.name),
    );
    for (const job of jobs) if (job.steps.length > 1) job.steps.sort(compareSteps);
    return ordered(jobs);
  }
}

/** Puts the first of each into its new place; those with nothing left go. */
function settle({ projects, owners, jobs, job }: Path): void {
  if (job.next < job.steps.length) jobs.firstChanged();
  else jobs.removeFirst();
  if (jobs.size > 0) owners.firstChanged();
  else owners.removeFirst();
  if (owners.size > 0) projects.firstChanged();
  else projects.removeFirst();
}

function grouped<T extends Node>(
  steps: readonly StepView[],
  nameOf: (step: StepView) => string,
  make: (name: string, use: Use, first: StepView) => T,
  useOf: (name: string) => Use,
): T[] {
  const nodes = new Map<string, T>();
  for (const step of steps) {
    const name = nameOf(step);
    let node = nodes.get(name);
    if (node) node.steps.push(step);
    else nodes.set(name, (node = make(name, useOf(name), step)));
    if (step.submittedAtMs < node.since) node.since = step.submittedAtMs;
  }
  return [...nodes.values()];
}

/** Scores are read when all siblings are known: a fair share is a part of what all of them have. */
function ordered<T extends Node>(nodes: T[]): Heap<T> {
  for (const node of nodes) node.score = scoreOf(node.use);
  return new Heap(nodes, before);
}

function scoreOf(use: Use): number {
  // The half slot makes whole slots come out in proportion to weights, as seats do by Sainte-Laguë's method.
  return (Math.max(use.slots, fairSlots(use) * NEWCOMERS_SHARE) + 0.5) / use.weight;
}

const before = (a: Node, b: Node): boolean =>
  a.score !== b.score ? a.score < b.score : a.since !== b.since ? a.since < b.since : a.name < b.name;

/** Frames that ran out of memory, and those that another worker is to have, come before those behind them. */
const compareSteps = (a: StepView, b: StepView): number =>
  a.position - b.position ||
  Number(b.needs.avoid !== undefined) - Number(a.needs.avoid !== undefined) ||
  (b.variantMemoryBytes ?? 0) - (a.variantMemoryBytes ?? 0) ||
  (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
