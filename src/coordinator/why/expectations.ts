import type { Candidate } from './occupancy.ts';
import type { WhyInput, WhyStep, WhyTask } from './why-input.ts';
import { roomByLimits } from './limit-reasons.ts';
import type { SecondsRange } from './wording.ts';

/** A task may take this much longer than its step's mean says. */
const LATE = 1.5;
/** What giving a task out and taking it takes at most, when a slot is free. */
const AT_ONCE_SECONDS = 2;

/** Until a task of the step can begin; null when nothing is measured that could tell. */
export function firstSlot(step: WhyStep, ready: readonly Candidate[], input: WhyInput): SecondsRange | null {
  if (ready.some(({ free, needed }) => free >= needed)) return { min: 0, max: AT_ONCE_SECONDS };
  const soonest = ready.flatMap((candidate) => untilFree(candidate) ?? []);
  if (soonest.length === 0) return null;
  const first = Math.min(...soonest);
  const ahead = input.waiting.filter(
    (work) => work.engine === step.needs.engine && work.priority > input.job.priority,
  );
  const slots = ready.reduce((sum, { worker }) => sum + worker.ability.slots, 0);
  let wait = 0;
  for (const { seconds } of ahead) {
    if (seconds === null) return null;
    wait += seconds / slots;
  }
  // What goes first takes the slots that come free first.
  return { min: first + wait, max: first * LATE + wait * LATE + AT_ONCE_SECONDS };
}

/** Seconds until a worker has as many free slots as are needed; undefined when its tasks are not measured. */
export function untilFree({ needed, free, tasks }: Candidate): number | undefined {
  const ends = tasks
    .map((task) => ({ slots: task.slots, seconds: secondsLeft(task) }))
    .sort((a, b) => (a.seconds ?? Infinity) - (b.seconds ?? Infinity));
  let room = free;
  for (const { slots, seconds } of ends) {
    if (seconds === undefined) return undefined;
    room += slots;
    if (room >= needed) return seconds;
  }
  return undefined;
}

function secondsLeft({ frames, secondsPerFrame, runningSeconds }: WhyTask): number | undefined {
  if (secondsPerFrame === null) return undefined;
  return Math.max(0.5, frames * secondsPerFrame - (runningSeconds ?? 0));
}

/** Until the whole job is done: all slots that fit, against only those that it has now. null when it cannot be told. */
export function jobEnd(
  input: WhyInput,
  fitting: ReadonlyMap<string, readonly Candidate[]>,
  first: SecondsRange | null,
): SecondsRange | null {
  if (first === null) return null;
  const range = { ...first };
  for (const step of input.steps) {
    const open = openFrames(step);
    if (open === 0) continue;
    const ready = fitting.get(step.key) ?? [];
    if (step.secondsPerFrame === null || ready.length === 0) return null;
    const own = input.tasks.filter((task) => task.stepKey === step.key).length;
    const most = ready.reduce(
      (sum, { worker, needed }) => sum + Math.floor(worker.ability.slots / needed),
      0,
    );
    const limited = Math.min(
      most,
      own + roomByLimits(step, input),
      step.chunk === 'sequential' ? 1 : Infinity,
    );
    const work = open * step.secondsPerFrame;
    range.min += work / Math.max(1, Math.min(limited, open));
    range.max += (work * LATE) / Math.max(1, Math.min(own, limited));
  }
  return range;
}

export function openFrames({ counts, unwritten }: WhyStep): number {
  return counts.waiting + counts.ready + counts.queued + counts.running + unwritten;
}
