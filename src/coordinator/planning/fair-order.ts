import { Heap } from './heap.ts';
import type { StepView } from './snapshot.ts';
import type { Usage, Use } from './usage.ts';

/** A step in a round of dispatch: what it is and what is left of it. */
export interface OpenStep {
  view: StepView;
  ready: number;
  previewReady: number;
}

/** Of a fair share: who has had less than this counts as having had so much, and the older goes first. */
const NEWCOMERS_SHARE = 0.25;

interface Node {
  use: Use;
  /** The lower, the sooner. */
  score: number;
  /** When the oldest of its jobs came. */
  since: number;
  name: string;
}

interface JobNode extends Node {
  steps: OpenStep[];
  next: number;
}

interface OwnerNode extends Node {
  jobs: Heap<JobNode>;
}

interface ProjectNode extends Node {
  owners: Heap<OwnerNode>;
}

interface Path {
  project: ProjectNode;
  owner: OwnerNode;
  job: JobNode;
}

/**
 * The order of steps of one level: weighted fair share between projects, in a project between owners, and of an owner
 * between jobs; in a job, the earlier step. Who has the fewest slots for his weight is next: slots in use now, and as
 * many again for what was used lately, so that who was left behind catches up and nobody starves. Where that is equal,
 * the older job goes first. Newcomers do not go before one who is far below his share only because they never had
 * anything: below a quarter of a fair share, the older goes first.
 */
export class FairOrder {
  readonly #projects: Heap<ProjectNode>;
  readonly #usage: Usage;

  constructor(steps: readonly OpenStep[], usage: Usage) {
    this.#usage = usage;
    this.#projects = new Heap(this.#build(steps), before);
  }

  /** The step whose turn it is; the same again until it is served or dropped. */
  next(): OpenStep | undefined {
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
    for (const node of [project, owner, job]) node.score = scoreOf(node.use);
    if (!more) job.next++;
    this.#settle(path);
  }

  /** The step whose turn it is gets nothing more in this round. */
  drop(): void {
    const path = this.#path();
    if (!path) return;
    path.job.next++;
    this.#settle(path);
  }

  /** Puts the first of each into its new place; those with nothing left go. */
  #settle({ project, owner, job }: Path): void {
    if (job.next < job.steps.length) owner.jobs.firstChanged();
    else owner.jobs.removeFirst();
    if (owner.jobs.size > 0) project.owners.firstChanged();
    else project.owners.removeFirst();
    if (project.owners.size > 0) this.#projects.firstChanged();
    else this.#projects.removeFirst();
  }

  #path(): Path | undefined {
    const project = this.#projects.first();
    const owner = project?.owners.first();
    const job = owner?.jobs.first();
    return project && owner && job ? { project, owner, job } : undefined;
  }

  #build(steps: readonly OpenStep[]): ProjectNode[] {
    const projects = new Map<string, Map<string, Map<string, OpenStep[]>>>();
    for (const step of steps) {
      const { project, owner, jobId } = step.view;
      const owners = getOrMake(projects, project, () => new Map<string, Map<string, OpenStep[]>>());
      const jobs = getOrMake(owners, owner, () => new Map<string, OpenStep[]>());
      getOrMake(jobs, jobId, () => []).push(step);
    }
    const nodes = [...projects].map(([project, owners]) => {
      const ownerNodes = [...owners].map(([owner, jobs]) => {
        const jobNodes = [...jobs].map(([jobId, own]) => this.#job(project, owner, jobId, own));
        const node = nodeOf(owner, this.#usage.owner(project, owner), oldest(jobNodes));
        return { ...node, jobs: new Heap(withScores(jobNodes), before) };
      });
      const node = nodeOf(project, this.#usage.project(project), oldest(ownerNodes));
      return { ...node, owners: new Heap(withScores(ownerNodes), before) };
    });
    return withScores(nodes);
  }

  #job(project: string, owner: string, jobId: string, steps: OpenStep[]): JobNode {
    if (steps.length > 1) steps.sort(compareSteps);
    const since = Math.min(...steps.map((step) => step.view.submittedAtMs));
    return { ...nodeOf(jobId, this.#usage.job(project, owner, jobId), since), steps, next: 0 };
  }
}

const nodeOf = (name: string, use: Use, since: number): Node => ({ use, score: 0, since, name });

/** Scores are read when all siblings are known: a fair share is a part of what all of them have. */
function withScores<T extends Node>(nodes: T[]): T[] {
  for (const node of nodes) node.score = scoreOf(node.use);
  return nodes;
}

function oldest(nodes: readonly Node[]): number {
  let since = Infinity;
  for (const node of nodes) since = Math.min(since, node.since);
  return since;
}

function scoreOf({ slots, weight, siblings }: Use): number {
  const share = (siblings.slots / siblings.weight) * weight;
  // The half slot makes whole slots come out in proportion to weights, as seats do by Sainte-Laguë's method.
  return (Math.max(slots, share * NEWCOMERS_SHARE) + 0.5) / weight;
}

const before = (a: Node, b: Node): boolean =>
  a.score !== b.score ? a.score < b.score : a.since !== b.since ? a.since < b.since : a.name < b.name;

/** Frames that ran out of memory come before those behind them. */
const compareSteps = (a: OpenStep, b: OpenStep): number =>
  a.view.position - b.view.position ||
  (b.view.variantMemoryBytes ?? 0) - (a.view.variantMemoryBytes ?? 0) ||
  (a.view.key < b.view.key ? -1 : a.view.key > b.view.key ? 1 : 0);

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
