import { EngineFailure } from '../engine.ts';
import { numberRuns, type NumberRun } from './number-runs.ts';

/** What is written into the pictures; by the schema in engine.yaml. */
export interface BurnIn {
  /** Above on the left. */
  title?: string;
  /** Above on the right. */
  version?: string;
  /** The frame's number, below on the left; default true. */
  frame?: boolean;
  /** Hours, minutes, seconds and pictures since the first one, below on the right; default true. */
  timecode?: boolean;
}

/** Texts are files in the working folder: nothing in them is read as an option, whatever characters they have. */
export interface Overlay {
  filters: string[];
  files: Record<string, string>;
}

export const FONT = 'font.ttf';
/** Each run is a filter of its own. */
const MOST_RUNS = 200;
const LOOK = `fontfile=${FONT}:fontcolor=white:fontsize=max(10\\,h/28):box=1:boxcolor=black@0.5:boxborderw=4`;
const LEFT = 'x=h/40';
const RIGHT = 'x=w-tw-h/40';
const TOP = 'y=h/40';
const BOTTOM = 'y=h-th-h/40';

/**
 * @param numbers of the pictures, in their order
 * @throws EngineFailure `scene` when the numbers are too irregular to be counted
 */
export function burnInOverlay(burnIn: BurnIn, numbers: readonly number[], fps: number): Overlay {
  const filters: string[] = [];
  const files: Record<string, string> = {};
  const add = (name: string, text: string, place: string, literal: boolean): void => {
    files[name] = text;
    filters.push(`drawtext=textfile=${name}:${literal ? 'expansion=none:' : ''}${LOOK}:${place}`);
  };
  if (burnIn.title) add('title.txt', oneLine(burnIn.title), `${LEFT}:${TOP}`, true);
  if (burnIn.version) add('version.txt', oneLine(burnIn.version), `${RIGHT}:${TOP}`, true);
  if (burnIn.frame ?? true)
    for (const [i, run] of countedRuns(numbers).entries())
      add(`frame-${i}.txt`, counter(run), `${LEFT}:${BOTTOM}:${during(run)}`, false);
  if (burnIn.timecode ?? true) add('timecode.txt', timecode(fps), `${RIGHT}:${BOTTOM}`, false);
  return { filters, files };
}

/** Pictures that stand for missing frames are covered, and say whose place it is. */
export function slateOverlay(
  numbers: readonly number[],
  missing: ReadonlySet<number>,
  canWrite: boolean,
): Overlay {
  const filters: string[] = [];
  const files: Record<string, string> = {};
  for (const [i, run] of countedRuns(numbers, missing).entries()) {
    filters.push(`drawbox=color=0x303030:t=fill:replace=1:${during(run)}`);
    if (!canWrite) continue;
    files[`gap-${i}.txt`] = `frame ${counter(run)} is missing`;
    filters.push(
      `drawtext=textfile=gap-${i}.txt:fontfile=${FONT}:fontcolor=white:fontsize=max(10\\,h/16):x=(w-tw)/2:y=(h-th)/2:${during(run)}`,
    );
  }
  return { filters, files };
}

/** Runs of pictures of which all or none are in `only`. */
function countedRuns(numbers: readonly number[], only?: ReadonlySet<number>): NumberRun[] {
  const runs: NumberRun[] = [];
  for (let from = 0; from < numbers.length;) {
    const wanted = !only || only.has(numbers[from] ?? 0);
    let to = from + 1;
    while (to < numbers.length && (!only || only.has(numbers[to] ?? 0)) === wanted) to++;
    if (wanted)
      for (const run of numberRuns(numbers.slice(from, to)))
        runs.push({ ...run, from: run.from + from, to: run.to + from });
    from = to;
  }
  if (runs.length <= MOST_RUNS) return runs;
  throw new EngineFailure(
    'scene',
    `The frame numbers fall into ${runs.length} uneven pieces; at most ${MOST_RUNS} can be written into the pictures.`,
  );
}

const during = ({ from, to }: NumberRun): string => `enable='between(n,${from},${to})'`;

/** In the language of drawtext's expansion. */
function counter({ from, first, by }: NumberRun): string {
  return `%{eif:${first}+(${by})*(n-${from}):d:4}`;
}

function timecode(fps: number): string {
  const rate = Math.max(1, Math.round(fps));
  const part = (expression: string): string => `%{eif:${expression}:d:2}`;
  return [
    part(`trunc(n/${rate * 3600})`),
    part(`mod(trunc(n/${rate * 60}),60)`),
    part(`mod(trunc(n/${rate}),60)`),
    part(`mod(n,${rate})`),
  ].join(':');
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
