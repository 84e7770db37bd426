import { MAX_CHUNK, autoChunk } from './chunk-size.ts';

/** A step with frames that may be cut, as it was at the moment of the snapshot. */
export interface StepView {
  key: string;
  engine: string;
  /** 0–100; higher goes first. */
  priority: number;
  /** When its job came, in any unit that grows. */
  submittedAt: number;
  jobId: string;
  /** Place in its job. */
  position: number;
  /** Frames that may be cut now. */
  ready: number;
  /** Mean of accepted frames; null before the first. */
  secondsPerFrame: number | null;
  targetSeconds: number;
  chunk: 'auto' | 'sequential' | number;
  /** Its tasks that are queued or running. */
  openTasks: number;
  /** Frames that fit into one task message. */
  maxFrames: number;
}

/** A lane and how many tasks it may get. */
export interface LaneView {
  id: string;
  engines: ReadonlySet<string>;
  slots: number;
  /** Tasks that it may get now: free slots and look-ahead, less what waits in it. */
  window: number;
}

/** A task to be cut: so many of the step's next frames, for this lane. */
export interface TaskCut {
  stepKey: string;
  lane: string;
  frames: number;
}

/**
 * Decides what is dispatched next. Pure: the same snapshot always gives the same tasks. Higher priority first, then the
 * older job, then the earlier step; a step goes to the lanes that offer its engine, the emptiest first.
 */
export function planDispatch(steps: readonly StepView[], lanes: readonly LaneView[]): TaskCut[] {
  const windows = new Map(lanes.map((lane) => [lane.id, lane.window]));
  const cuts: TaskCut[] = [];
  let open = lanes.filter((lane) => lane.window > 0);
  for (const step of [...steps].sort(compareSteps)) {
    if (open.length === 0) break;
    const offering = open.filter((lane) => lane.engines.has(step.engine));
    if (offering.length === 0) continue;
    cuts.push(...cutStep(step, offering, windows));
    open = open.filter((lane) => (windows.get(lane.id) ?? 0) > 0);
  }
  return cuts;
}

function compareSteps(a: StepView, b: StepView): number {
  return (
    b.priority - a.priority ||
    a.submittedAt - b.submittedAt ||
    compareText(a.jobId, b.jobId) ||
    a.position - b.position
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function cutStep(step: StepView, lanes: readonly LaneView[], windows: Map<string, number>): TaskCut[] {
  const cuts: TaskCut[] = [];
  const slots = lanes.reduce((sum, lane) => sum + lane.slots, 0);
  for (let remaining = step.ready; remaining > 0;) {
    if (step.chunk === 'sequential' && step.openTasks + cuts.length > 0) break;
    const lane = roomiest(lanes, windows);
    if (!lane) break;
    const frames = Math.min(remaining, chunkOf(step, remaining, slots), step.maxFrames);
    cuts.push({ stepKey: step.key, lane: lane.id, frames });
    windows.set(lane.id, (windows.get(lane.id) ?? 0) - 1);
    remaining -= frames;
  }
  return cuts;
}

function roomiest(lanes: readonly LaneView[], windows: ReadonlyMap<string, number>): LaneView | undefined {
  let best: LaneView | undefined;
  let room = 0;
  for (const lane of lanes) {
    const window = windows.get(lane.id) ?? 0;
    if (window > room) {
      best = lane;
      room = window;
    }
  }
  return best;
}

function chunkOf(step: StepView, remaining: number, slots: number): number {
  if (step.chunk === 'sequential') return MAX_CHUNK;
  if (step.chunk !== 'auto') return step.chunk;
  return autoChunk({
    secondsPerFrame: step.secondsPerFrame,
    targetSeconds: step.targetSeconds,
    remaining,
    slots,
  });
}
