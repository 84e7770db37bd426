import { FarmError } from './errors.ts';

/** An arithmetic run of frame numbers: `count` numbers from `start`, each `step` after the one before (step may be negative). */
export interface FrameRun {
  start: number;
  step: number;
  count: number;
}

/** Frames in the order in which they are to be rendered, each once. */
export interface FrameRange {
  /** The text as it was understood, whitespace removed. */
  text: string;
  runs: readonly FrameRun[];
  count: number;
}

export const MAX_FRAMES = 10_000_000;
/** Frame numbers are 32-bit integers in the ledger; programs rarely go beyond six digits. */
export const MAX_FRAME_NUMBER = 999_999_999;

/** Each is looked at for each frame that there is. */
export const MAX_SELECTED_RUNS = 200;
/** Of frames that a person picked one by one; as many as a text of 10,000 characters can name. */
export const MAX_PICKED_RUNS = 5_000;

const PART = /^(-?\d+)(?:-(-?\d+)(?:(x|y|:)(-?\d+))?)?$/;

/**
 * Parses a frame range as fileseq, OpenCue and Katana users type it: `7`, `1-100`, `-20--13`, `10-1`, `1-100x5` (every
 * fifth), `1-10y3` (all but every third), `1-10:5` (all, in interleaved order: step 5, then 2, then 1), joined by commas.
 * A frame named twice is rendered once, at its first place.
 * @throws FarmError `invalid` with the part that is wrong and what is expected.
 */
export function parseFrameRange(input: string): FrameRange {
  const { text, parts } = readParts(input, Infinity);
  const only = parts.length === 1 ? parts[0] : undefined;
  const runs = only?.simple
    ? [only.simple]
    : compressFrames(unique(parts.flatMap((part) => (part.simple ? [part.simple] : part.expand()))));
  return { text, runs, count: runs.reduce((sum, run) => sum + run.count, 0) };
}

/**
 * The frames that a range names, in no order and possibly repeated: for choosing among frames that are there. Its work
 * depends on the parts of the text, not on how many frames they name.
 * @throws FarmError `invalid` as {@link parseFrameRange} does, and for more than `mostRuns` runs
 */
export function parseFrameSelection(input: string, mostRuns = MAX_SELECTED_RUNS): FrameRun[] {
  const { text, parts } = readParts(input, mostRuns);
  const runs = parts.flatMap((part) => (part.simple ? [part.simple] : part.select(mostRuns)));
  if (runs.length > mostRuns) throw tooManyRuns(text, mostRuns);
  return runs;
}

function readParts(input: string, mostParts: number): { text: string; parts: Part[] } {
  const text = input.replace(/\s+/g, '');
  if (text === '') throw rangeError(input, 'the range is empty', 'for example 1-100');
  if (text.length > 10_000)
    throw rangeError(`${text.slice(0, 40)}…`, 'the range is too long', 'at most 10,000 characters');
  const texts = text.split(',');
  if (texts.length > mostParts) throw tooManyRuns(text, mostParts);
  const parts = texts.map((part) => parsePart(part));
  const total = parts.reduce((sum, part) => sum + part.upperCount, 0);
  if (total > MAX_FRAMES) {
    throw rangeError(
      text,
      `it names ${total.toLocaleString('en')} frames`,
      `at most ${MAX_FRAMES.toLocaleString('en')}`,
    );
  }
  return { text, parts };
}

/** Whether {@link parseFrameSelection} takes it. */
export function isFrameSelection(input: string): boolean {
  try {
    parseFrameSelection(input);
    return true;
  } catch {
    return false;
  }
}

/** All frame numbers in order. For a range of ten million this is ten million numbers: slice with {@link sliceRuns} instead. */
export function frameNumbers(range: FrameRange): number[] {
  return sliceRuns(range.runs, 0, range.count).flatMap((run) => numbersOf(run));
}

/** The runs that cover positions `offset` … `offset + limit` (exclusive) of the order. */
export function sliceRuns(runs: readonly FrameRun[], offset: number, limit: number): FrameRun[] {
  const result: FrameRun[] = [];
  let before = 0;
  for (const run of runs) {
    const from = Math.max(0, offset - before);
    const to = Math.min(run.count, offset + limit - before);
    if (from < to) result.push({ start: run.start + from * run.step, step: run.step, count: to - from });
    before += run.count;
    if (before >= offset + limit) break;
  }
  return result;
}

/** A short text for a set of frame numbers, ascending: `1-5,9,12-14`. */
export function formatFrames(numbers: readonly number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1] === (sorted[j] ?? 0) + 1) j++;
    parts.push(i === j ? String(sorted[i]) : `${String(sorted[i])}-${String(sorted[j])}`);
    i = j + 1;
  }
  return parts.join(',');
}

/** Pads the digits and keeps the sign in front: 7 → `0007`, -3 → `-0003`. */
export function padFrame(frame: number, width: number): string {
  return `${frame < 0 ? '-' : ''}${String(Math.abs(frame)).padStart(width, '0')}`;
}

function numbersOf(run: FrameRun): number[] {
  return Array.from({ length: run.count }, (_, i) => run.start + i * run.step);
}

interface Part {
  /** The part as one run, where it is one. */
  simple?: FrameRun;
  /** Its runs, frames possibly repeated. Only asked once the size is known to be acceptable. */
  expand: () => FrameRun[];
  /** The same frames in few runs, whatever their order. */
  select: (mostRuns: number) => FrameRun[];
  upperCount: number;
}

function parsePart(part: string): Part {
  const match = PART.exec(part);
  if (!match)
    throw rangeError(part, 'this is not a frame or a range', '7, 1-100, 10-1, 1-100x5, 1-10y3 or 1-10:5');
  const first = frameNumber(match[1] ?? '', part);
  if (match[2] === undefined) return simplePart({ start: first, step: 1, count: 1 });
  const last = frameNumber(match[2], part);
  const direction = last >= first ? 1 : -1;
  const span = Math.abs(last - first) + 1;
  const kind = match[3];
  if (kind === undefined) return simplePart({ start: first, step: direction, count: span });
  const by = frameNumber(match[4] ?? '', part);
  if (by === 0) throw rangeError(part, 'the step is 0', 'a step of 1 or more');
  if (by < 0 && (kind !== 'x' || direction > 0))
    throw rangeError(part, 'the step goes against the direction', `a positive step`);
  const step = Math.abs(by);
  if (kind === 'x')
    return simplePart({ start: first, step: direction * step, count: Math.ceil(span / step) });
  if (kind === 'y')
    return {
      upperCount: span,
      expand: () => allBut(first, direction, span, step),
      select: (mostRuns) => allButSelected(first, direction, span, step, mostRuns),
    };
  // Each level of an interleave repeats earlier frames, so the work is bounded before it is expanded.
  return {
    upperCount: span,
    expand: () => interleaved(first, direction, span, step),
    select: () => [{ start: first, step: direction, count: span }],
  };
}

function simplePart(run: FrameRun): Part {
  return { simple: run, upperCount: run.count, expand: () => [run], select: () => [run] };
}

function frameNumber(text: string, part: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || Math.abs(value) > MAX_FRAME_NUMBER) {
    throw rangeError(
      part,
      `${text.slice(0, 24)} is too large`,
      `numbers between -${MAX_FRAME_NUMBER} and ${MAX_FRAME_NUMBER}`,
    );
  }
  return value;
}

/** `a-b y n`: everything but first, first + n, first + 2n … */
function allBut(first: number, direction: number, span: number, step: number): FrameRun[] {
  const runs: FrameRun[] = [];
  for (let at = 0; at < span; at += step) {
    const count = Math.min(step - 1, span - at - 1);
    if (count > 0) runs.push({ start: first + direction * (at + 1), step: direction, count });
  }
  if (runs.length === 0)
    throw rangeError(`${first}y${step}`, 'no frame is left', 'a range from which some frames remain');
  return runs;
}

function allButSelected(
  first: number,
  direction: number,
  span: number,
  step: number,
  mostRuns: number,
): FrameRun[] {
  if (step === 2 && span > 1)
    return [{ start: first + direction, step: 2 * direction, count: Math.floor(span / 2) }];
  if (span / step > mostRuns)
    throw tooManyRuns(`${first}-${first + direction * (span - 1)}y${step}`, mostRuns);
  return allBut(first, direction, span, step);
}

/** `a-b : n`: every n-th, then every n/2-th (rounded down) … down to every one; repeats are removed by the caller. */
function interleaved(first: number, direction: number, span: number, step: number): FrameRun[] {
  const runs: FrameRun[] = [];
  for (let by = step; by >= 1; by = Math.floor(by / 2)) {
    runs.push({ start: first, step: direction * by, count: Math.ceil(span / by) });
  }
  return runs;
}

function unique(runs: readonly FrameRun[]): number[] {
  const seen = new Set<number>();
  for (const run of runs) for (let i = 0; i < run.count; i++) seen.add(run.start + i * run.step);
  return [...seen];
}

/** Greedy compression of numbers in order into arithmetic runs. */
export function compressFrames(numbers: readonly number[]): FrameRun[] {
  const runs: FrameRun[] = [];
  for (let i = 0; i < numbers.length;) {
    const start = numbers[i] ?? 0;
    const step = i + 1 < numbers.length ? (numbers[i + 1] ?? 0) - start : 1;
    let count = 1;
    while (i + count < numbers.length && numbers[i + count] === start + count * step) count++;
    runs.push({ start, step, count });
    i += count;
  }
  return runs;
}

function tooManyRuns(text: string, mostRuns: number): FarmError {
  const shown = text.length > 80 ? `${text.slice(0, 77)}…` : text;
  return rangeError(shown, 'it has too many pieces', `at most ${mostRuns.toLocaleString('en')} pieces`);
}

function rangeError(value: string, wrong: string, expected: string): FarmError {
  return new FarmError('invalid', `Frame range "${value}": ${wrong}; expected ${expected}.`, {
    issues: [{ path: 'frames', value: JSON.stringify(value), expected }],
  });
}
