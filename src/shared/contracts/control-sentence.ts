import type { ControlFigures } from '../domain/control-figures.ts';
import { formatBytes } from '../domain/byte-sizes.ts';
import type { JobControl } from './messages.ts';

/** `did`: "Cancelled 3 running frames."; `would`: "Cancels 3 running frames.", with nothing changed. */
export type ControlTense = 'did' | 'would';

/** What was asked, as far as its sentence needs it. */
export type ControlRequest = Pick<
  JobControl,
  | 'verb'
  | 'drain'
  | 'trustScripts'
  | 'priority'
  | 'chunk'
  | 'targetSeconds'
  | 'running'
  | 'step'
  | 'now'
  | 'undo'
>;

interface Told {
  asked: ControlRequest;
  figures: ControlFigures;
  /** ` of 3 jobs`, or nothing for one. */
  of: string;
  /** `the job` or `3 jobs`. */
  jobs: string;
  say: (would: string, did: string) => string;
}

/** What a control message does to one job or to several, in one sentence with figures. */
export function controlSentence(
  tense: ControlTense,
  asked: ControlRequest,
  figures: ControlFigures,
  jobs = 1,
): string {
  const told: Told = {
    asked,
    figures,
    of: jobs === 1 ? '' : ` of ${count(jobs, 'job')}`,
    jobs: jobs === 1 ? 'the job' : count(jobs, 'job'),
    say: (would, did) => (tense === 'would' ? would : did),
  };
  return `${SENTENCES[asked.verb](told)}.`;
}

const SENTENCES: Record<JobControl['verb'], (told: Told) => string> = {
  pause: ({ figures, jobs, say }) =>
    `${say('Pauses', 'Paused')} ${jobs}${listed(': ', [
      [figures.running, (n) => `${count(n, 'running frame')} ${n === 1 ? 'is' : 'are'} finished first`],
      [figures.queued, (n) => `${count(n, 'queued frame')} ${n === 1 ? 'is' : 'are'} taken back`],
      [figures.notBegun, (n) => `${count(n, 'frame')} ${n === 1 ? 'waits' : 'wait'}`],
    ])}`,
  resume: ({ asked, figures, jobs, say }) =>
    `${say('Goes', 'Went')} on with ${jobs}${listed(': ', [
      [figures.notBegun, (n) => `${count(n, 'frame')} to render`],
      [figures.cancelled, (n) => `${count(n, 'cancelled frame')} ${n === 1 ? 'comes' : 'come'} back`],
      [figures.held, (n) => `${count(n, 'held frame')} ${n === 1 ? 'is' : 'are'} let go`],
    ])}${asked.trustScripts === true ? '; scripts in its scenes are trusted' : ''}`,
  cancel: ({ asked, figures, of, jobs, say }) => {
    const { running, ...others } = figures;
    const first =
      asked.drain === true && running
        ? `; ${count(running, 'running frame')} ${running === 1 ? 'is' : 'are'} finished first`
        : '';
    const frames = openFrames(asked.drain === true ? others : figures);
    return `${say('Cancels', 'Cancelled')} ${frames === '' ? `the rest of ${jobs}` : `${frames}${of}`}${first}`;
  },
  retry: ({ figures, of, say }) => {
    const again = figures.again ?? 0;
    const frames = `${count(again, 'frame')}${of}`;
    return `${say(`Renders ${frames}`, `${frames} ${again === 1 ? 'is' : 'are'} rendered`)} again${made(figures)}`;
  },
  skip: ({ figures, of, say }) =>
    `${say('Skips', 'Skipped')} ${openFrames(figures)}${of}${
      figures.left ? `; ${count(figures.left, 'running frame')} ${figures.left === 1 ? 'goes' : 'go'} on` : ''
    }`,
  accept: ({ figures, of, say }) =>
    `${say('Accepts', 'Accepted')} ${count(figures.accepted ?? 0, 'frame')}${of} as ${figures.accepted === 1 ? 'it is' : 'they are'}`,
  'add-frames': ({ figures, of, say }) =>
    `${say('Adds', 'Added')} ${count(figures.added ?? 0, 'frame')}${of}${
      figures.present
        ? `; ${thousands(figures.present)} of those asked for ${figures.present === 1 ? 'was' : 'were'} there already`
        : ''
    }${made(figures)}`,
  priority: ({ asked, figures, jobs, say }) =>
    `${say('Sets', 'Set')} the priority of ${jobs} to ${asked.priority ?? ''}${toRender(figures)}`,
  chunk: ({ asked, figures, of, say }) =>
    `${say('Sets', 'Set')} ${chunkText(asked)} for ${asked.step === undefined ? count(figures.steps ?? 0, 'step') : `step ${asked.step}`}${of}${toRender(figures)}`,
  limits: ({ asked, figures, jobs, say }) =>
    `${say('Lets', 'Let')} ${
      asked.running === null || asked.running === undefined
        ? `any number of frames of ${jobs} run`
        : `at most ${count(asked.running, 'frame')} of ${jobs === 'the job' ? jobs : `each of ${jobs}`} run`
    } at once${toRender(figures)}`,
  note: ({ jobs, say }) => `${say('Adds', 'Added')} a note to ${jobs}`,
  keep: ({ asked, jobs, say }) =>
    asked.undo === true
      ? `${say('Lets', 'Let')} the farm's rules decide again how long ${jobs} stay${jobs === 'the job' ? 's' : ''}`
      : `${say('Keeps', 'Kept')} ${jobs} for good`,
  delete: ({ asked, figures, jobs, say }) =>
    `${say('Deletes', 'Deleted')} ${jobs}${asked.now === true ? ' for good, without the bin' : ''}${freed(figures)}`,
  restore: ({ figures, jobs, say }) => `${say('Takes', 'Took')} ${jobs} out of the bin${freed(figures)}`,
  resubmit: ({ figures, jobs, say }) =>
    `${say('Submits', 'Submitted')} ${jobs} again as new: ${count(figures.steps ?? 0, 'step')}, ${count(figures.frames ?? 0, 'frame')}`,
};

/** `: 1,204 files, 18.2 GB (of which 2.1 GB of scenes that no other job uses)` */
function freed({ files = 0, bytes = 0, sceneBytes = 0 }: ControlFigures): string {
  const scenes =
    sceneBytes === 0 ? '' : ` (of which ${formatBytes(sceneBytes)} of scenes that no other job uses)`;
  return `: ${count(files, 'file')}, ${formatBytes(bytes)}${scenes}`;
}

function chunkText({ chunk, targetSeconds }: ControlRequest): string {
  const parts = [
    ...(chunk === undefined
      ? []
      : [typeof chunk === 'number' ? `chunks of ${count(chunk, 'frame')}` : `${chunk} chunks`]),
    ...(targetSeconds === undefined ? [] : [`a target of ${targetSeconds} s a chunk`]),
  ];
  return parts.join(' and ');
}

const made = ({ madeFromThem = 0 }: ControlFigures): string =>
  madeFromThem === 0
    ? ''
    : `, and ${madeFromThem === 1 ? 'the result' : `${thousands(madeFromThem)} results`} made from them`;

function toRender(figures: ControlFigures): string {
  const frames = openFrames(figures);
  return frames === '' ? '' : `; it acts on ${frames}`;
}

/** `3 running frames, 20 queued and 100 that have not begun`; running, queued and not begun are told apart. */
function openFrames({ running, queued, notBegun, held, failed }: ControlFigures): string {
  const parts = (
    [
      [running, (n, noun) => `${thousands(n)} running${noun}`],
      [queued, (n, noun) => `${thousands(n)} queued${noun}`],
      [failed, (n, noun) => `${thousands(n)} failed${noun}`],
      [held, (n, noun) => `${thousands(n)} held${noun}`],
      [notBegun, (n, noun) => `${thousands(n)}${noun} that ${n === 1 ? 'has' : 'have'} not begun`],
    ] satisfies [number | undefined, (n: number, noun: string) => string][]
  ).filter(([n]) => n !== undefined && n > 0);
  return joined(
    parts.map(([n = 0, text], index) => text(n, index > 0 ? '' : n === 1 ? ' frame' : ' frames')),
  );
}

function listed(before: string, parts: readonly [number | undefined, (n: number) => string][]): string {
  const texts = parts.flatMap(([n, text]) => (n === undefined || n === 0 ? [] : [text(n)]));
  return texts.length === 0 ? '' : `${before}${joined(texts)}`;
}

const joined = (texts: readonly string[]): string =>
  texts.length < 2 ? (texts[0] ?? '') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}`;

const thousands = (n: number): string => n.toLocaleString('en');
const count = (n: number, noun: string): string => `${thousands(n)} ${noun}${n === 1 ? '' : 's'}`;
