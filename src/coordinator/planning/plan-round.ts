import { compareVersions } from '../../shared/domain/engine-versions.ts';
import { chunkOf } from './chunk-size.ts';
import { FairOrder } from './fair-order.ts';
import { GroupRoom, queuedSlots } from './farm-room.ts';
import { shapeOf } from './fitting.ts';
import { LimitCounts } from './limit-counts.ts';
import { Placement, type Place } from './placement.ts';
import { Reservations } from './reservations.ts';
import { Shapes, type ShapeRoom } from './shape-room.ts';
import type { DispatchPlan, FarmRules, Needs, Snapshot, StepView, TaskCut } from './snapshot.ts';
import { Usage, addSlots, slotsByGroup } from './usage.ts';

/**
 * Decides what is dispatched next. Pure: the same snapshot always gives the same plan.
 *
 * Projects below their guarantee come first, on the guarantee's workers and whatever the level of others: a guarantee that
 * a neighbour could overrule by a higher priority would be none. What it does not use, others borrow, and give back
 * as their tasks end. Then strictly by level; in a level preview frames, then by fair share (see {@link FairOrder}). A
 * step at a limit, or for which there is no room, is passed over.
 */
export function planRound(snapshot: Snapshot): DispatchPlan {
  return new Round(snapshot).plan();
}

type OpenGuarantee = FarmRules['guarantees'][number] & { groups: GroupRoom[]; met: number };

class Round {
  readonly #snapshot: Snapshot;
  readonly #usage: Usage;
  readonly #limits: LimitCounts;
  readonly #groups: GroupRoom[];
  readonly #everywhere: Shapes;
  readonly #placement: Placement;
  readonly #reservations: Reservations;
  readonly #cuts: TaskCut[] = [];
  /** Of steps that were given something in this round: what is left of them. */
  readonly #left = new Map<StepView, { ready: number; previewReady: number }>();
  /** Versions that steps were given in this round: all tasks of a step are rendered with one. */
  readonly #pinned = new Map<string, Needs>();
  readonly #exact = new Map<string, Needs>();
  #slotsByGroup: Map<string, Map<string, number>> | undefined;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#usage = new Usage(snapshot);
    this.#limits = new LimitCounts(snapshot.rules, this.#usage);
    const queued = queuedSlots(snapshot.tasks);
    this.#groups = snapshot.groups.map((group, index) => new GroupRoom(group, index, queued));
    this.#everywhere = new Shapes(this.#groups);
    this.#placement = new Placement(this.#groups);
    this.#reservations = new Reservations(snapshot);
  }

  plan(): DispatchPlan {
    const steps = this.#openSteps();
    for (const guarantee of this.#guarantees()) this.#serveGuarantee(guarantee, steps);
    for (const level of byLevel(steps)) {
      if (this.#everywhere.open === 0) break;
      const previews = level.filter((step) => this.#previewReady(step) > 0);
      if (previews.length > 0) this.#serve(previews, this.#everywhere, { previews: true });
      const scarce = level.filter((step) => step.needs.gpus > 0 && this.#ready(step) > 0);
      if (scarce.length > 0 && scarce.length < level.length) this.#serveScarce(scarce);
      const rest = this.#left.size === 0 ? level : level.filter((step) => this.#ready(step) > 0);
      this.#serve(rest, this.#everywhere, {});
    }
    return { cuts: this.#cuts, reservations: this.#reservations.made };
  }

  /** Steps that may get something. Those without any room are left out, unless they stand before big tasks in a queue. */
  #openSteps(): StepView[] {
    const open: StepView[] = [];
    const closed: StepView[] = [];
    let big = false;
    for (const step of this.#snapshot.steps) {
      if (step.ready <= 0) continue;
      const shape = this.#everywhere.of(step.needs);
      if (shape.fits.length === 0 || !this.#mayHaveMore(step)) continue;
      big ||= shape.big.length > 0;
      (shape.closed ? closed : open).push(step);
    }
    return big ? [...open, ...closed] : open;
  }

  #mayHaveMore(step: StepView): boolean {
    if (step.chunk === 'sequential' && this.#usage.bySteps.has(step.key)) return false;
    return this.#limits.room(step, step.needs.engine) > 0;
  }

  #ready(step: StepView): number {
    return this.#left.get(step)?.ready ?? step.ready;
  }

  #previewReady(step: StepView): number {
    return this.#left.get(step)?.previewReady ?? step.previewReady;
  }

  /** Guarantees that are not met, the least met first. */
  #guarantees(): OpenGuarantee[] {
    return this.#snapshot.rules.guarantees
      .map((guarantee) => {
        const { pool } = guarantee;
        const groups = this.#groups.filter(({ view }) => pool === '*' || view.tags.has(pool));
        return { ...guarantee, groups, met: this.#slotsIn(guarantee.project, groups) / guarantee.slots };
      })
      .filter((guarantee) => this.#missing(guarantee) > 0)
      .sort((a, b) => a.met - b.met || compareText(a.project, b.project) || compareText(a.pool, b.pool));
  }

  /**
   * Slots that the guarantee's project is to get. Of what this round leaves waiting in the lanes it gets the same part as of
   * the slots: lanes go in order, so that with less its tasks would get less of the slots that become free.
   */
  #missing({ project, slots, groups }: Omit<OpenGuarantee, 'met'>): number {
    const all = groups.reduce((sum, { view }) => sum + view.workers.length * view.slots, 0);
    const waiting = groups.reduce((sum, { free, window }) => sum + Math.max(0, window - free), 0);
    return slots * (1 + waiting / Math.max(1, all)) - this.#slotsIn(project, groups);
  }

  #serveGuarantee(guarantee: OpenGuarantee, steps: readonly StepView[]): void {
    const { project, groups } = guarantee;
    const shapes = new Shapes(groups);
    const own = steps.filter((step) => step.project === project && this.#ready(step) > 0);
    for (const level of byLevel(own)) {
      const missing = this.#missing(guarantee);
      if (missing <= 0) return;
      this.#serve(level, shapes, { slots: missing });
    }
  }

  /**
   * Those that need GPUs take what is free of them before the others of the level do, as long as they have less than their
   * fair share: the others find room elsewhere. While they wait, nothing that needs none is queued behind busy GPUs: it
   * would take each slot that becomes free, and never leave the two or more of one worker that they need.
   */
  #serveScarce(steps: readonly StepView[]): void {
    const order = new FairOrder(steps, this.#usage);
    const open = new Set(steps.map((step) => this.#everywhere.of(this.#needsOf(step))));
    for (let step = order.next(); step && open.size > 0; step = order.next()) {
      const behind = this.#usage.isBehind(step) && this.#mayHaveMore(step);
      const shape = this.#everywhere.of(this.#needsOf(step));
      const found = behind && open.has(shape) ? this.#place(step, this.#everywhere) : undefined;
      if (found) {
        const got = this.#cut(step, found.place, found.shape);
        order.served(got, this.#ready(step) > 0 && step.chunk !== 'sequential');
        continue;
      }
      order.drop();
      if (!behind || !open.delete(shape)) continue;
      for (const { group } of shape.fits) group.lookNoFurther();
    }
  }

  /** Slots that a project has in these groups, those of this round included. */
  #slotsIn(project: string, groups: readonly GroupRoom[]): number {
    this.#slotsByGroup ??= slotsByGroup(this.#snapshot.tasks);
    const own = this.#slotsByGroup.get(project);
    return groups.reduce((sum, { view }) => sum + (own?.get(view.id) ?? 0), 0);
  }

  /** Gives tasks to steps of one level as long as there is room. */
  #serve(
    steps: readonly StepView[],
    shapes: Shapes,
    { previews = false, slots = Infinity }: { previews?: boolean; slots?: number },
  ): void {
    const order = new FairOrder(steps, this.#usage);
    let given = 0;
    for (let step = order.next(); step && given < slots; step = order.next()) {
      const got = this.#give(step, shapes);
      if (got !== undefined) {
        const left = previews ? this.#previewReady(step) : this.#ready(step);
        order.served(got, left > 0 && step.chunk !== 'sequential');
        given += got;
      } else {
        order.drop();
        if (shapes.open === 0) return;
      }
    }
  }

  /**
   * Cuts one task of the step, or has a worker emptied for one: both are counted as the step's, so that its turn comes
   * again only when others have as much.
   * @returns slots; undefined when there is nothing for it.
   */
  #give(step: StepView, shapes: Shapes): number | undefined {
    if (!this.#mayHaveMore(step)) return undefined;
    const found = this.#place(step, shapes);
    if (found) return this.#cut(step, found.place, found.shape);
    // Nobody is emptied for what only some workers are to have: it takes what becomes free there.
    if (step.needs.avoid !== undefined) return undefined;
    const shape = shapes.of(this.#needsOf(step));
    const reserved = this.#reservations.ask(step, shape, shapes);
    if (reserved) this.#count(step, this.#framesOf(step, shape), reserved.group, reserved.slots);
    return reserved?.slots;
  }

  #cut(step: StepView, { group, slots, worker }: Place, shape: ShapeRoom): number {
    const frames = this.#framesOf(step, shape);
    this.#count(step, frames, group.view.id, slots);
    this.#cuts.push({
      stepKey: step.key,
      variantMemoryBytes: step.variantMemoryBytes,
      ...(step.needs.avoid === undefined ? {} : { avoid: step.needs.avoid }),
      frames,
      group: group.view.id,
      slots,
      gpus: step.needs.gpus,
      worker: worker?.view.id ?? null,
    });
    return slots;
  }

  #count(step: StepView, frames: number, group: string, slots: number): void {
    const ready = this.#ready(step) - frames;
    this.#left.set(step, { ready, previewReady: Math.max(0, this.#previewReady(step) - frames) });
    this.#limits.add(step, step.needs.engine);
    if (this.#slotsByGroup) addSlots(this.#slotsByGroup, step.project, group, slots);
  }

  /** Room for one task of the step, taken. */
  #place(step: StepView, shapes: Shapes): { place: Place; shape: ShapeRoom } | undefined {
    const base = shapes.of(this.#needsOf(step));
    if (base.full) return undefined;
    for (const needs of this.#versions(step, base)) {
      const shape = shapes.of(needs);
      if (shape.full) continue;
      const place = this.#placement.take(shape, step);
      if (place) {
        if (step.needs.engineVersion === null) this.#pinned.set(step.key, needs);
        return { place, shape };
      }
      shapes.full(shape);
    }
    shapes.full(base);
    return undefined;
  }

  #needsOf(step: StepView): Needs {
    return this.#pinned.get(step.key) ?? step.needs;
  }

  /** The step's needs with an exact version each, the highest first. */
  #versions(step: StepView, shape: ShapeRoom): Needs[] {
    const needs = this.#needsOf(step);
    if (needs.engineVersion !== null) return [needs];
    const versions = new Set(shape.fits.map(({ group }) => group.view.engines.get(needs.engine) ?? ''));
    if (versions.size === 0) return [];
    return [...versions]
      .sort((a, b) => compareVersions(b, a))
      .map((version) => this.#exactly(needs, version));
  }

  #exactly(needs: Needs, engineVersion: string): Needs {
    const key = `${engineVersion} ${shapeOf(needs)}`;
    const known = this.#exact.get(key);
    if (known) return known;
    const exact = { ...needs, engineVersion };
    this.#exact.set(key, exact);
    return exact;
  }

  #framesOf(step: StepView, shape: ShapeRoom): number {
    if (this.#previewReady(step) > 0) return 1;
    const ready = this.#ready(step);
    const slots = Math.min(shape.capacity, this.#limits.most(step, step.needs.engine));
    return Math.min(ready, step.maxFrames, chunkOf(step, ready, slots));
  }
}

/** Levels from the highest. */
function byLevel(steps: readonly StepView[]): StepView[][] {
  const levels = new Map<number, StepView[]>();
  for (const step of steps) {
    const level = levels.get(step.priority);
    if (level) level.push(step);
    else levels.set(step.priority, [step]);
  }
  return [...levels].sort(([a], [b]) => b - a).map(([, level]) => level);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
