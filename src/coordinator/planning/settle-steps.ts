import {
  jobState,
  stepState,
  sweptCounts,
  type FrameCounts,
  type FrameState,
  type JobState,
  type Sweep,
} from '../../shared/domain/states.ts';

/** A step as its job's states are worked out from it. */
export interface SettlingStep {
  key: string;
  name: string;
  state: JobState;
  counts: FrameCounts;
  /** Whether all frame rows exist, and none is chosen for something that is still to be done. */
  expanded: boolean;
  /** Its frames have not been compared with each other since the last of them came: until then it is not complete. */
  judging: boolean;
  /** State in which further frames come in. */
  entryState: FrameState;
  /** What is still to be done to its frames; it counts as done. */
  sweep: Sweep | null;
  /** Keys of steps of the job that must be complete first. */
  dependsOn: readonly string[];
  /** Keys of steps of the job for whose frames its own wait one by one. */
  byFrame: readonly string[];
  /** Whether its frames wait one by one for those of any step, of other jobs, too. */
  frameWise: boolean;
  /** Something of another job must be complete first, and is not. */
  waitsElsewhere: boolean;
  /** It waits for something at all. */
  hasDependencies: boolean;
}

export interface Settlement {
  /** Steps whose state changes. */
  steps: { key: string; state: JobState }[];
  /** Steps whose waiting frames become ready: everything they wait for is complete. */
  release: string[];
  /** Steps of which each waiting frame becomes ready whose own frames of other steps are done. */
  releaseByFrame: string[];
  /** Steps of which each waiting frame is skipped that waits for one that will never be done. */
  skipByFrame: string[];
  /** Steps whose waiting frames are skipped: something they wait for will never be complete. */
  skip: { key: string; reason: string }[];
  job: JobState;
}

/**
 * Works out, from counts of frames, the states of a job's steps and of the job, and what follows for steps that wait.
 * Pure; `steps` come in an order in which each is after what it depends on.
 */
export function settleSteps(steps: readonly SettlingStep[], paused: boolean): Settlement {
  const states = new Map<string, { name: string; state: JobState }>();
  const result: Settlement = {
    steps: [],
    release: [],
    releaseByFrame: [],
    skipByFrame: [],
    skip: [],
    job: 'queued',
  };
  for (const step of steps) {
    let counts = sweptCounts(step.counts, step.sweep, step.entryState);
    const waits = counts.waiting > 0 || (!step.expanded && step.entryState === 'waiting');
    const needed = step.dependsOn.flatMap((key) => states.get(key) ?? []);
    const broken = needed.find((other) => other.state === 'failed' || other.state === 'cancelled');
    const brokenFrames = step.byFrame
      .flatMap((key) => states.get(key) ?? [])
      .find((other) => other.state === 'failed' || other.state === 'cancelled');
    if (waits && step.hasDependencies) {
      if (broken) {
        result.skip.push({ key: step.key, reason: `Step ${broken.name} it waits for is ${broken.state}.` });
        counts = { ...counts, skipped: counts.skipped + counts.waiting, waiting: 0 };
      } else if (step.waitsElsewhere || !needed.every((other) => other.state === 'completed')) {
        // Not yet.
      } else if (step.frameWise) {
        result.releaseByFrame.push(step.key);
        if (brokenFrames) result.skipByFrame.push(step.key);
      } else {
        result.release.push(step.key);
        counts = { ...counts, ready: counts.ready + counts.waiting, waiting: 0 };
      }
    }
    const state = stateOf(step, counts, paused, (broken ?? brokenFrames)?.state);
    states.set(step.key, { name: step.name, state });
    if (state !== step.state) result.steps.push({ key: step.key, state });
  }
  result.job = jobState(
    [...states.values()].map((step) => step.state),
    paused && !steps.some(isBeingCancelled),
  );
  return result;
}

function stateOf(
  step: SettlingStep,
  counts: FrameCounts,
  paused: boolean,
  brokenDependency: JobState | undefined,
): JobState {
  const state = stepState(counts, {
    // While the last frames of a cancelled step are finished, it runs.
    paused: paused && !isBeingCancelled(step),
    expanded: (step.expanded && !step.judging) || step.entryState === 'cancelled',
    started: step.state === 'running',
  });
  // Nothing of it was made: that is not "completed", but what became of the step that it waited for.
  if (state === 'completed' && counts.skipped > 0 && counts.done === 0)
    return brokenDependency ?? (step.entryState === 'skipped' ? 'cancelled' : 'completed');
  return state;
}

const isBeingCancelled = (step: SettlingStep): boolean => step.sweep === 'cancel';
