import { needsText } from './fit-reasons.ts';
import type { Candidate } from './occupancy.ts';
import { awayAdvice, awayText } from './presence.ts';
import type { Reason, WhyInput, WhyStep } from './why-input.ts';
import { count, expected, isAre, listed, type SecondsRange } from './wording.ts';

/** What holds a worker's slots. */
type Holder = 'higher' | 'same' | 'lower' | 'own';

/** No worker that fits may work. */
export function unavailableReason(step: WhyStep, fitting: readonly Candidate[], nowMs: number): Reason {
  const workers = fitting.map(({ worker }) => worker);
  const who = count(workers.length, 'worker');
  return {
    cause: 'workers-unavailable',
    step: step.name,
    text:
      `needs ${needsText(step.needs)}; ${who} could render it, but ${listed(awayText(workers, nowMs, true))}. ` +
      awayAdvice(workers),
    figures: { fitting: workers.length, working: 0 },
  };
}

/** All workers that fit have their hands full, or nearly: with what, and when that ends. */
export function busyReason(
  step: WhyStep,
  fitting: readonly Candidate[],
  input: WhyInput,
  first: SecondsRange | null,
): Reason {
  const working = fitting.filter(({ worker }) => worker.presence === 'working');
  const away = fitting.filter(({ worker }) => worker.presence !== 'working').map(({ worker }) => worker);
  const holders = working.map((candidate) => holderOf(candidate, input));
  const n = (holder: Holder): number => holders.filter((one) => one === holder).length;
  const cause = causeOf(working, n);
  const { needed = 1 } = working[0] ?? {};
  const parts = [
    ...(n('higher') > 0 ? [`${n('higher').toLocaleString('en')} busy with higher priority`] : []),
    ...(n('same') > 0 ? [`${n('same').toLocaleString('en')} busy with jobs of the same priority`] : []),
    ...(n('lower') > 0
      ? [
          `${n('lower').toLocaleString('en')} busy with lower priority until ${n('lower') === 1 ? 'its' : 'their'} tasks end`,
        ]
      : []),
    ...(n('own') > 0 ? [`${n('own').toLocaleString('en')} busy with this job`] : []),
    ...awayText(away, input.nowMs),
  ];
  const have = `${count(fitting.length, 'worker')} ${fitting.length === 1 ? 'has' : 'have'} it`;
  const size = needed > 1 ? ` (${needed.toLocaleString('en')} slots at once)` : '';
  const texts = [
    `needs ${needsText(step.needs)}${size}; ${have}: ${listed(parts, 9)}`,
    ...emptied(working),
    ...(first === null ? [] : [`first slot expected ${expected(first)}`]),
  ];
  return {
    cause,
    step: step.name,
    text: [texts.join('; '), ...ahead(step, input), ...shareText(cause, input)].join('. '),
    figures: {
      fitting: fitting.length,
      working: working.length,
      busyHigher: n('higher'),
      busySame: n('same'),
      busyLower: n('lower'),
      busyOwn: n('own'),
      away: away.length,
      slotsNeeded: needed,
    },
  };
}

/** Room is there, or its tasks are on their way. */
export function startingReason(step: WhyStep, working: readonly Candidate[]): Reason {
  const { queued, ready } = step.counts;
  const free = working.reduce((sum, candidate) => sum + Math.floor(candidate.free / candidate.needed), 0);
  const parts = [
    ...(queued > 0 ? [`${count(queued, 'frame')} ${isAre(queued)} on the way to workers`] : []),
    ...(free > 0 && ready > 0
      ? [
          `${count(free, 'slot')} ${isAre(free)} free for the next of ${count(ready, 'frame')}, which are given out now`,
        ]
      : []),
  ];
  return {
    cause: 'starting',
    step: step.name,
    text:
      parts.length === 0
        ? `${count(ready, 'frame')} ${isAre(ready)} given out as slots come free`
        : listed(parts),
    figures: { queued, ready, freeSlots: free },
  };
}

/** By whom most of its slots are held. */
function holderOf({ tasks }: Candidate, { job }: WhyInput): Holder {
  const slots: Record<Holder, number> = { higher: 0, same: 0, lower: 0, own: 0 };
  for (const task of tasks) {
    const holder =
      task.jobId === job.id
        ? 'own'
        : task.priority > job.priority
          ? 'higher'
          : task.priority === job.priority
            ? 'same'
            : 'lower';
    slots[holder] += task.slots;
  }
  const order: Holder[] = ['higher', 'same', 'lower', 'own'];
  return order.reduce((most, holder) => (slots[holder] > slots[most] ? holder : most), 'higher');
}

function causeOf(working: readonly Candidate[], n: (holder: Holder) => number): Reason['cause'] {
  if (working.some(({ worker }) => worker.reserving)) return 'reserving';
  if (working.some(({ free, needed }) => needed > 1 && free > 0)) return 'reserving';
  if (n('higher') > 0 || n('same') === 0) return n('higher') + n('lower') > 0 ? 'priority' : 'running';
  return 'share';
}

function emptied(working: readonly Candidate[]): string[] {
  const one = working.find(({ worker }) => worker.reserving);
  if (one === undefined) return [];
  const { worker, free } = one;
  return [
    `${worker.id} is being emptied for it (${free.toLocaleString('en')} of ${count(worker.ability.slots, 'slot')} free)`,
  ];
}

/** What else waits for the same engine and goes first. */
function ahead(step: WhyStep, { waiting, job }: WhyInput): string[] {
  const first = waiting.filter((work) => work.engine === step.needs.engine && work.priority > job.priority);
  const frames = first.reduce((sum, work) => sum + work.frames, 0);
  const jobs = first.reduce((sum, work) => sum + work.jobs, 0);
  if (frames === 0) return [];
  const frame = `${count(frames, 'waiting frame')} of ${count(jobs, 'job')} with a higher priority ${frames === 1 ? 'goes' : 'go'} first`;
  return [`${frame}. To go before them: ./farmhand priority ${job.id} N`];
}

function shareText(cause: Reason['cause'], { job, shares, guarantees, waiting }: WhyInput): string[] {
  if (cause !== 'share') return [];
  const same = waiting
    .filter((work) => work.priority === job.priority)
    .reduce((sum, work) => sum + work.jobs, 0);
  const weight = shares.find(({ kind, name }) => kind === 'project' && name === job.project)?.weight ?? 1;
  const promised = guarantees.filter(({ project }) => project !== job.project);
  return [
    `Slots of one priority are shared between projects: ${job.project} has the weight ${weight}` +
      (same > 0 ? `, and ${count(same, 'other job')} ${isAre(same)} waiting too` : ''),
    ...(promised.length > 0
      ? [
          listed(
            promised.map(({ project, slots }) => `${project} has ${count(slots, 'slot')} guaranteed`),
            3,
          ),
        ]
      : []),
  ];
}
