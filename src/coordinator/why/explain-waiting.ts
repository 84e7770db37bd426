import type { WhyReply } from '../../shared/contracts/messages.ts';
import { isEndedJob } from '../../shared/domain/states.ts';
import { dependencyReasons } from './dependency-reasons.ts';
import { firstSlot, jobEnd } from './expectations.ts';
import { misfitReasons } from './fit-reasons.ts';
import { limitReasons } from './limit-reasons.ts';
import { candidates, tasksByWorker, type Candidate } from './occupancy.ts';
import { heldReasons, jobReasons } from './job-reasons.ts';
import { busyReason, startingReason, unavailableReason } from './slot-reasons.ts';
import {
  biggerReasons,
  elsewhereReasons,
  noWorkersReason,
  restReasons,
  runningReason,
  sequentialReason,
  takersOf,
} from './step-reasons.ts';
import type { Reason, WhyInput, WhyStep } from './why-input.ts';
import { count, isAre, type SecondsRange } from './wording.ts';

export type Explanation = Omit<Extract<WhyReply, { reasons: unknown }>, 'jobId' | 'state'>;

/** Why the frames of a job wait, in words and figures: what matters most first. Pure. */
export function explainWaiting(input: WhyInput): Explanation {
  const whole = jobReasons(input);
  if (isEndedJob(input.job.state) || input.job.state === 'paused')
    return explained(input, whole, [], null, null);
  const held = tasksByWorker(input);
  const fitting = new Map<string, Candidate[]>(
    input.steps.map((step) => [step.key, candidates(step, input, held)]),
  );
  const reasons: Reason[] = [];
  const firsts: SecondsRange[] = [];
  for (const step of input.steps) {
    const ofStep = explainStep(step, fitting.get(step.key) ?? [], input, whole.length > 0);
    reasons.push(...ofStep.reasons);
    if (ofStep.first !== null) firsts.push(ofStep.first);
  }
  const first = expectedFirst(input, whole, firsts);
  const stuck = [...whole, ...reasons].some((reason) => BLOCKED.has(reason.cause));
  return explained(input, whole, reasons, first, stuck ? null : jobEnd(input, working(fitting), first));
}

/** Nothing is known of when these end. */
const BLOCKED: ReadonlySet<Reason['cause']> = new Set([
  'paused',
  'held',
  'no-workers',
  'engine',
  'engine-version',
  'cores',
  'memory',
  'gpus',
  'tags',
  'site',
  'workers-unavailable',
  'no-leader',
]);

function explainStep(
  step: WhyStep,
  fitting: readonly Candidate[],
  input: WhyInput,
  blocked: boolean,
): { reasons: Reason[]; first: SecondsRange | null } {
  const reasons = [...heldReasons(step, input), ...dependencyReasons(step, input)];
  const { counts } = step;
  const under = input.tasks.filter((task) => task.stepKey === step.key);
  const running = under.filter((task) => task.state === 'running');
  if (running.length > 0) reasons.push(runningReason(step, running));
  const begin = counts.ready + counts.queued;
  if (begin === 0 || blocked) return { reasons, first: null };
  const resting = restReasons(step, input);
  reasons.push(...resting.reasons, ...biggerReasons(step, input));
  if (resting.all) return { reasons, first: resting.first };
  if (input.workers.length === 0) {
    reasons.push(noWorkersReason(step));
    return { reasons, first: null };
  }
  if (fitting.length === 0) {
    const misfits = misfitReasons(step, input.workers);
    reasons.push(...misfits);
    return { reasons, first: null };
  }
  const able = fitting.filter(({ worker }) => worker.presence === 'working');
  if (able.length === 0) {
    reasons.push(gone(input) ? noWorkersReason(step, input) : unavailableReason(step, fitting, input.nowMs));
    return { reasons, first: null };
  }
  reasons.push(...elsewhereReasons(step, able));
  const ready = takersOf(step, able);
  const first = firstSlot(step, ready, input);
  if (counts.ready === 0) {
    const reason = isOnItsWay(step, ready)
      ? startingReason(step, ready)
      : busyReason(step, fitting, input, first);
    if (reason.cause !== 'running' || running.length === 0) reasons.push(reason);
    return { reasons, first };
  }
  const limits = limitReasons(step, input);
  if (limits.length > 0) return { reasons: [...reasons, ...limits], first: null };
  if (step.chunk === 'sequential' && under.length > 0)
    return { reasons: [...reasons, sequentialReason(step, under)], first: null };
  const room = ready.some(({ free, needed }) => free >= needed);
  const reason = room ? startingReason(step, ready) : busyReason(step, fitting, input, first);
  // That its own frames hold the slots is said already.
  if (reason.cause !== 'running' || running.length === 0) reasons.push(reason);
  return { reasons, first };
}

const gone = ({ workers }: WhyInput): boolean =>
  workers.every(({ presence }) => presence === 'lost' || presence === 'offline');

function expectedFirst(
  { job, nowMs, tasks }: WhyInput,
  whole: readonly Reason[],
  firsts: readonly SecondsRange[],
): SecondsRange | null {
  if (tasks.some((task) => task.jobId === job.id && task.state === 'running') && firsts.length === 0)
    return null;
  if (whole.length > 0) {
    if (whole.length > 1 || whole[0]?.cause !== 'not-before' || job.notBeforeMs === null) return null;
    const seconds = (job.notBeforeMs - nowMs) / 1_000;
    return { min: seconds, max: seconds + 2 };
  }
  const [soonest] = [...firsts].sort((a, b) => a.min - b.min);
  return soonest ?? null;
}

/** Whether some worker has room for what was given out of it; else it waits for a slot in a lane. */
const isOnItsWay = ({ key }: WhyStep, ready: readonly Candidate[]): boolean =>
  ready.some(({ tasks }) => tasks.some((task) => task.stepKey === key && task.state === 'queued'));

/** Said first: what keeps all of the job, then what keeps frames that could begin, and at last what runs. */
function explained(
  input: WhyInput,
  whole: readonly Reason[],
  ofSteps: readonly Reason[],
  first: SecondsRange | null,
  end: SecondsRange | null,
): Explanation {
  const reasons = [
    ...whole,
    ...ofSteps.filter(({ cause }) => cause !== 'running'),
    ...ofSteps.filter(({ cause }) => cause === 'running'),
  ];
  const [main] = [...reasons].sort((a, b) => rank(a) - rank(b));
  const running = ofSteps.filter(({ cause }) => cause === 'running');
  const frames = running.reduce((sum, { figures }) => sum + Number(figures['running'] ?? 0), 0);
  const under =
    frames > 0 && main?.cause !== 'running'
      ? `${count(frames, 'frame')} ${isAre(frames)} being rendered now. `
      : '';
  const said = main === undefined ? 'It waits for nothing.' : sentence(main, input);
  return {
    summary: `${under}${said}`,
    reasons: reasons.map((reason) => ({ ...reason, text: sentence(reason, input) })),
    firstSlotSeconds: first === null ? null : rounded(first),
    endSeconds: end === null ? null : rounded(end),
  };
}

/** A step that waits for another one says less than what that other one waits for. */
const rank = (reason: Reason): number =>
  reason.step === null
    ? 0
    : reason.cause === 'held'
      ? 1
      : reason.cause === 'dependency'
        ? 4
        : reason.cause === 'running'
          ? 3
          : 2;

/** A reason of a step as a whole sentence: with its name, where the job has several. */
function sentence({ step, text }: Reason, { steps }: WhyInput): string {
  const whole =
    step === null || steps.length < 2 || /^\d/.test(text) || text.startsWith('its ')
      ? text
      : `step ${step} ${text}`;
  const named = step !== null && steps.length > 1 && whole === text ? `step ${step}: ${text}` : whole;
  const begun = steps.length < 2 && /^(needs|is|may|waits)\b/.test(named) ? `it ${named}` : named;
  const full = begun.charAt(0).toUpperCase() + begun.slice(1);
  return /[.!?]$/.test(full) ? full : `${full}.`;
}

const working = (fitting: ReadonlyMap<string, readonly Candidate[]>): Map<string, Candidate[]> =>
  new Map(
    [...fitting].map(([key, some]) => [key, some.filter(({ worker }) => worker.presence === 'working')]),
  );

const rounded = ({ min, max }: SecondsRange): SecondsRange => ({
  min: Math.round(min * 10) / 10,
  max: Math.round(max * 10) / 10,
});
