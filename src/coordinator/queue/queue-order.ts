import type { NextStep, Turn } from '../../shared/contracts/messages.ts';
import { FairOrder } from '../planning/fair-order.ts';
import { fits, shapeOf } from '../planning/fitting.ts';
import { LimitCounts } from '../planning/limit-counts.ts';
import type { FarmRules, GroupView, Snapshot, StepView } from '../planning/snapshot.ts';
import { Usage } from '../planning/usage.ts';
import { limitText, shareText } from './queue-text.ts';

/** A step's place, without what only the clock knows. */
export type QueuePlace = Omit<NextStep, 'waitedSeconds'> & { submittedAtMs: number };

/**
 * The order in which steps get their next task, as {@link planRound} goes: projects below a guarantee, then by level,
 * previews, fair share. Whether a worker has room just now does not matter: it is the order of those who wait. Steps that
 * may have nothing stand where their turn would be, with what keeps them.
 */
export function queueOrder(snapshot: Snapshot, most: number): QueuePlace[] {
  return new Queue(snapshot, most).order();
}

class Queue {
  readonly #snapshot: Snapshot;
  readonly #most: number;
  /** As it is now; the other one goes on with each turn. */
  readonly #now: Usage;
  readonly #usage: Usage;
  readonly #limits: LimitCounts;
  readonly #places: QueuePlace[] = [];
  readonly #placed = new Set<StepView>();
  readonly #hosts = new Map<string, boolean>();

  constructor(snapshot: Snapshot, most: number) {
    this.#snapshot = snapshot;
    this.#most = most;
    this.#now = new Usage(snapshot);
    this.#usage = new Usage(snapshot);
    this.#limits = new LimitCounts(snapshot.rules, this.#usage);
  }

  order(): QueuePlace[] {
    const waiting = this.#snapshot.steps.filter((step) => step.ready > 0);
    for (const guarantee of missedGuarantees(this.#snapshot)) this.#guaranteed(guarantee, waiting);
    const levels = [...new Set(waiting.map((step) => step.priority))].sort((a, b) => b - a);
    for (const level of levels) {
      if (this.#places.length >= this.#most) break;
      const steps = waiting.filter((step) => step.priority === level && !this.#placed.has(step));
      const previews = steps.filter((step) => step.previewReady > 0);
      this.#turns(previews, 'preview', 'The first frames of its preview go before the rest of its level.');
      const rest = steps.filter((step) => !this.#placed.has(step));
      const among = {
        projects: countBy(rest, 'project'),
        owners: countBy(rest, 'owner'),
        jobs: countBy(rest, 'jobId'),
      };
      this.#turns(rest, 'share', (step) => shareText(step, this.#now, among));
    }
    return this.#places;
  }

  #guaranteed({ project, pool, slots, has, groups }: MissedGuarantee, waiting: readonly StepView[]): void {
    const own = waiting.filter(
      (step) =>
        step.project === project &&
        !this.#placed.has(step) &&
        groups.some((group) => fits(step.needs, group)),
    );
    const where = pool === '*' ? '' : ` of workers tagged ${pool}`;
    const text = `Project ${project} is guaranteed ${slots} slots${where} and has ${has}: it goes first.`;
    let missing = slots - has;
    for (const level of [...new Set(own.map((step) => step.priority))].sort((a, b) => b - a)) {
      if (missing <= 0) return;
      const steps = own.filter((step) => step.priority === level);
      missing -= this.#turns(steps, 'guarantee', text, missing);
    }
  }

  /** @returns slots that the turns would have taken. */
  #turns(
    steps: readonly StepView[],
    turn: Turn,
    text: string | ((step: StepView) => string),
    slots = Infinity,
  ): number {
    const order = new FairOrder(steps, this.#usage);
    let given = 0;
    for (let step = order.next(); step && given < slots; step = order.next()) {
      if (this.#places.length >= this.#most) break;
      const kept = this.#kept(step);
      this.#place(step, kept ?? { turn, text: typeof text === 'string' ? text : text(step) });
      if (kept) {
        order.drop();
        continue;
      }
      this.#limits.add(step, step.needs.engine);
      const got = slots === Infinity ? 1 : Math.min(step.ready, slots - given);
      given += got;
      order.served(got, false);
    }
    return given;
  }

  /** What keeps a step from getting anything, whatever its turn. */
  #kept(step: StepView): { turn: Turn; text: string } | undefined {
    if (!this.#hasHost(step))
      return {
        turn: 'no-worker',
        text: 'No worker that takes work now fits it. Its job says what it needs, under “why waiting”.',
      };
    if (step.chunk === 'sequential' && this.#now.bySteps.has(step.key))
      return { turn: 'sequential', text: 'Its frames go one after the other, and one is under way.' };
    if (this.#limits.room(step, step.needs.engine) > 0) return undefined;
    return { turn: 'limit', text: limitText(step, this.#snapshot) };
  }

  #hasHost(step: StepView): boolean {
    const shape = shapeOf(step.needs);
    const known = this.#hosts.get(shape);
    if (known !== undefined) return known;
    const found = this.#snapshot.groups.some((group) => fits(step.needs, group));
    this.#hosts.set(shape, found);
    return found;
  }

  /** A step whose frames need different things is several to planning, and one to people: its first place counts. */
  #place(step: StepView, why: { turn: Turn; text: string }): void {
    this.#placed.add(step);
    const { jobId, name, project, owner, priority, ready, submittedAtMs, needs } = step;
    const known = this.#places.find((place) => place.jobId === jobId && place.step === name);
    if (known) known.ready += ready;
    else
      this.#places.push({
        jobId,
        step: name,
        engine: needs.engine,
        project,
        owner,
        priority,
        ready,
        submittedAtMs,
        ...why,
      });
  }
}

type MissedGuarantee = KeptGuarantee & { groups: readonly GroupView[] };
export type KeptGuarantee = FarmRules['guarantees'][number] & { has: number };

/** Guarantees with what their projects have of them. */
export function keptGuarantees({ rules, groups, tasks }: Snapshot): MissedGuarantee[] {
  return rules.guarantees.map((guarantee) => {
    const own = groups.filter(({ tags }) => guarantee.pool === '*' || tags.has(guarantee.pool));
    const ids = new Set(own.map(({ id }) => id));
    const has = tasks.reduce(
      (sum, task) => sum + (task.project === guarantee.project && ids.has(task.group) ? task.slots : 0),
      0,
    );
    return { ...guarantee, has, groups: own };
  });
}

/** The least met first. */
const missedGuarantees = (snapshot: Snapshot): MissedGuarantee[] =>
  keptGuarantees(snapshot)
    .filter(({ has, slots }) => has < slots)
    .sort((a, b) => a.has / a.slots - b.has / b.slots);

const countBy = (steps: readonly StepView[], what: 'project' | 'owner' | 'jobId'): number =>
  new Set(steps.map((step) => step[what])).size;
