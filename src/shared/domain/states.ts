/** Frame states; what each means stands in docs/architecture.md. */
export const FRAME_STATES = [
  'waiting',
  'ready',
  'queued',
  'running',
  'done',
  'failed',
  'held',
  'skipped',
  'cancelled',
] as const;
export type FrameState = (typeof FRAME_STATES)[number];

export const JOB_STATES = [
  'queued',
  'running',
  'paused',
  'completed',
  'failed',
  'cancelled',
  'held',
] as const;
/** State of a job and of each of its steps. */
export type JobState = (typeof JOB_STATES)[number];

export const ENDED_JOB_STATES = ['completed', 'failed', 'cancelled'] as const satisfies readonly JobState[];

export type FrameCounts = Record<FrameState, number>;

export function noFrames(): FrameCounts {
  return {
    waiting: 0,
    ready: 0,
    queued: 0,
    running: 0,
    done: 0,
    failed: 0,
    held: 0,
    skipped: 0,
    cancelled: 0,
  };
}

/**
 * From which states a frame may go to another. One table, so that every statement that moves frames is held against it.
 * An ended state goes back only through `retry` (to `ready` or `waiting`), which raises the generation, or to `held` when a
 * frame turns out not to fit beside its neighbours.
 */
export const FRAME_TRANSITIONS: Record<FrameState, readonly FrameState[]> = {
  waiting: ['ready', 'cancelled', 'skipped', 'held'],
  ready: ['queued', 'waiting', 'running', 'done', 'failed', 'cancelled', 'skipped', 'held'],
  queued: ['running', 'ready', 'done', 'failed', 'cancelled', 'skipped', 'held'],
  running: ['done', 'ready', 'queued', 'failed', 'cancelled', 'skipped', 'held'],
  held: ['ready', 'waiting', 'done', 'skipped', 'cancelled'],
  done: ['ready', 'waiting', 'held'],
  failed: ['ready', 'waiting', 'skipped'],
  skipped: ['ready', 'waiting'],
  cancelled: ['ready', 'waiting'],
};

/** Ended, in the sense that nothing of the job is rendered any more unless somebody asks for it again. */
export function isEndedJob(state: JobState): boolean {
  return (ENDED_JOB_STATES as readonly JobState[]).includes(state);
}

/**
 * The state of a step by its frames' counts. `paused` is a wish of a person that shows while work is open;
 * `expanded` says that all frame rows exist (a large step is expanded in slices).
 */
export function stepState(
  counts: FrameCounts,
  flags: { paused: boolean; expanded: boolean; started: boolean },
): JobState {
  const open = counts.waiting + counts.ready + counts.queued + counts.running;
  if (open > 0 || !flags.expanded) {
    if (flags.paused) return 'paused';
    return flags.started || counts.queued + counts.running + counts.done + counts.failed > 0
      ? 'running'
      : 'queued';
  }
  if (counts.held > 0) return 'held';
  // Somebody ended it: that says more than what had failed before.
  if (counts.cancelled > 0) return 'cancelled';
  if (counts.failed > 0) return 'failed';
  return 'completed';
}

/** The state of a job by its steps' states. */
export function jobState(steps: readonly JobState[], paused: boolean): JobState {
  const ended = steps.every((state) => isEndedJob(state) || state === 'held');
  if (!ended) {
    if (paused) return 'paused';
    return steps.every((state) => state === 'queued') ? 'queued' : 'running';
  }
  for (const state of ['held', 'cancelled', 'failed'] as const) if (steps.includes(state)) return state;
  return 'completed';
}

/**
 * What is still to be done to chosen frames of a step, slice by slice: they are rendered again (`retry`), made again because
 * what they are made from is (`remake`), left out (`skip`), taken as they are (`accept`), or wait again for what they had
 * waited for (`wait`).
 */
export type ChosenSweep = 'retry' | 'remake' | 'skip' | 'accept' | 'wait';

/**
 * What is still to be done to a step's frames, slice by slice: those that have not begun are cancelled or held, or cancelled
 * ones (and with them held ones) or held ones come back; or something is done to chosen ones.
 */
export type Sweep = 'cancel' | 'revive' | 'hold' | 'let-go' | ChosenSweep;

const CHOSEN_SWEEPS: readonly Sweep[] = ['retry', 'remake', 'skip', 'accept', 'wait'] satisfies ChosenSweep[];

/** Of such a step it is not known before the last slice what becomes of its frames: until then it is open. */
export const isChosenSweep = (sweep: Sweep | null): sweep is ChosenSweep =>
  sweep !== null && CHOSEN_SWEEPS.includes(sweep);

/** The counts of a step once the sweep that goes over its frames is through. */
export function sweptCounts(counts: FrameCounts, sweep: Sweep | null, entryState: FrameState): FrameCounts {
  const { waiting, ready, held, cancelled } = counts;
  if (sweep === 'cancel')
    return { ...counts, waiting: 0, ready: 0, held: 0, cancelled: cancelled + waiting + ready + held };
  if (sweep === 'hold') return { ...counts, waiting: 0, ready: 0, held: held + waiting + ready };
  const back = entryState === 'waiting' ? 'waiting' : 'ready';
  if (sweep === 'revive')
    return { ...counts, cancelled: 0, held: 0, [back]: counts[back] + cancelled + held };
  if (sweep === 'let-go') return { ...counts, held: 0, [back]: counts[back] + held };
  return counts;
}
