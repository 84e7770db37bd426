import { misfitReasons } from './fit-reasons.ts';
import { candidates, type Candidate } from './occupancy.ts';
import { awayAdvice, awayText } from './presence.ts';
import type { Reason, WhyInput, WhyStep, WhyTask } from './why-input.ts';
import { count, isAre, listed, moment, span, type SecondsRange } from './wording.ts';

export function runningReason(step: WhyStep, running: readonly WhyTask[]): Reason {
  const workers = [...new Set(running.flatMap(({ worker }) => worker ?? []))].sort();
  const { counts, secondsPerFrame } = step;
  const each = secondsPerFrame === null ? '' : `, about ${span(secondsPerFrame)} each`;
  return {
    cause: 'running',
    step: step.name,
    text:
      `${count(running.length, 'frame')} ${isAre(running.length)} being rendered now on ${listed(workers)}${each}; ` +
      `${counts.done.toLocaleString('en')} of ${count(step.total, 'frame')} done`,
    figures: { running: running.length, workers: workers.length, done: counts.done, total: step.total },
  };
}

/** Frames, or the whole step, that may not be given out yet. */
export function restReasons(
  step: WhyStep,
  { nowMs }: WhyInput,
): { reasons: Reason[]; all: boolean; first: SecondsRange | null } {
  if (step.retryAtMs !== null && step.retryAtMs > nowMs) {
    const seconds = (step.retryAtMs - nowMs) / 1_000;
    return {
      reasons: [
        {
          cause: 'licence',
          step: step.name,
          text: `there was no licence left for ${step.needs.engine}; ${count(step.counts.ready, 'frame')} wait ${span(seconds)} before it is asked again. ./farmhand limits set engine ${step.needs.engine} N keeps to the licences that there are`,
          figures: { seconds: Math.ceil(seconds) },
        },
      ],
      all: true,
      first: { min: seconds, max: seconds + 2 },
    };
  }
  const { backOff } = step;
  if (backOff === null || backOff.untilMs <= nowMs) return { reasons: [], all: false, first: null };
  const seconds = (backOff.untilMs - nowMs) / 1_000;
  return {
    reasons: [
      {
        cause: 'back-off',
        step: step.name,
        text: `${count(backOff.frames, 'frame')} failed before and ${backOff.frames === 1 ? 'is' : 'are'} tried again from ${moment(backOff.untilMs, nowMs)} on`,
        figures: { frames: backOff.frames, seconds: Math.ceil(seconds) },
      },
    ],
    all: backOff.frames >= step.counts.ready && step.counts.queued === 0,
    first: { min: seconds, max: seconds + 2 },
  };
}

/** Frames that ran out of memory and now ask for more than any worker has. */
export function biggerReasons(step: WhyStep, input: WhyInput): Reason[] {
  return step.bigger.flatMap(({ frames, memoryBytes }) => {
    const bigger = { ...step, needs: { ...step.needs, memoryBytes } };
    if (candidates(bigger, input).length > 0) return [];
    return misfitReasons(bigger, input.workers).map((reason) => ({
      ...reason,
      text: `${count(frames, 'frame')} ran out of memory with less and now ${frames === 1 ? reason.text : reason.text.replace(/^needs/, 'need')}`,
    }));
  });
}

/** Workers that may take a frame of the step: not one that all of its ready frames are kept from, where there are others. */
export function takersOf(step: WhyStep, working: readonly Candidate[]): readonly Candidate[] {
  const { counts, elsewhere } = step;
  const [kept, ...more] = [...new Set(elsewhere.map(({ worker }) => worker))];
  const frames = elsewhere.reduce((sum, pile) => sum + pile.frames, 0);
  if (kept === undefined || more.length > 0 || frames < counts.ready || counts.queued > 0) return working;
  const others = othersThan(kept, working);
  return others.length > 0 ? others : working;
}

/** Frames that wait for another worker than one that made them not good enough. */
export function elsewhereReasons(step: WhyStep, working: readonly Candidate[]): Reason[] {
  const piles = Map.groupBy(step.elsewhere, ({ worker }) => worker);
  return [...piles].flatMap(([worker, pile]) => {
    const frames = pile.reduce((sum, one) => sum + one.frames, 0);
    const others = othersThan(worker, working);
    if (others.some(({ free, needed }) => free >= needed)) return [];
    const one = frames === 1;
    const [them, whose] = one ? ['it', 'result'] : ['them', 'results'];
    const only = `which is the only one that can render ${them} now and renders ${them} again itself. A machine joins with ./farmhand invite here and ./farmhand worker there`;
    const busy = `whose ${whose} did not pass ${one ? 'its' : 'their'} checks; ${count(others.length, 'other worker')} can render ${them} and ${isAre(others.length)} busy (${listed(others.map((other) => other.worker.id))})`;
    return [
      {
        cause: 'another-worker' as const,
        step: step.name,
        text: `${count(frames, 'frame')} ${one ? 'waits' : 'wait'} for another worker than ${worker}, ${others.length === 0 ? only : busy}`,
        figures: { frames, worker, others: others.length },
      },
    ];
  });
}

const othersThan = (id: string, working: readonly Candidate[]): Candidate[] =>
  working.filter(({ worker }) => worker.id !== id);

export function noWorkersReason(step: WhyStep, input?: WhyInput): Reason {
  const known = input?.workers ?? [];
  const gone =
    known.length === 0
      ? ''
      : ` ${count(known.length, 'worker')} of before: ${listed(awayText(known, input?.nowMs ?? 0))}. ${awayAdvice(known)}.`;
  return {
    cause: 'no-workers',
    step: step.name,
    text: `no worker is connected.${gone} A machine joins with ./farmhand invite here and ./farmhand worker there`,
    figures: { known: known.length },
  };
}

export function sequentialReason(step: WhyStep, under: readonly WhyTask[]): Reason {
  const worker = under.find((task) => task.worker !== null)?.worker;
  return {
    cause: 'sequential',
    step: step.name,
    text:
      `its frames are rendered one after another in one slot (chunk: sequential), and one task of them is out${worker ? ` on ${worker}` : ''}; ` +
      `${count(step.counts.ready, 'frame')} wait for it`,
    figures: { waiting: step.counts.ready },
  };
}
