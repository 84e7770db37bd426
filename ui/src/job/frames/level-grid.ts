import {
  LEVEL_LETTERS,
  NO_LEVEL,
  OTHER_WORKER,
  WORKER_LETTERS,
} from '../../../../src/shared/contracts/job-views.ts';
import { GRID_MARKS, markByte } from './verdict-grid.ts';

/** Bytes from here on stand for levels and workers; a grid that shows them brings their colours. */
export const LEVEL_BASE = GRID_MARKS.length;
const NONE = markByte('none');

/** By the character's code. */
const BYTE_OF_LETTER = new Uint8Array(128).fill(NONE);
for (const [index, letter] of [...Array.from(WORKER_LETTERS), OTHER_WORKER].entries())
  BYTE_OF_LETTER[letter.charCodeAt(0)] = LEVEL_BASE + index;

/** A step's frames by level or worker, a byte each, in the step's order. @param letters as the farm tells them */
export function levelBytes(frames: number, letters: string): Uint8Array {
  const bytes = new Uint8Array(frames).fill(NONE);
  const told = Math.min(frames, letters.length);
  for (let position = 0; position < told; position++)
    if (letters[position] !== NO_LEVEL)
      bytes[position] = BYTE_OF_LETTER[letters.charCodeAt(position)] ?? NONE;
  return bytes;
}

/** From little to much: viridis without its darkest end, which a dark page would swallow. */
const STOPS = ['#4a3f8f', '#3b6a9e', '#23938c', '#4fc06a', '#b6d93a', '#fde725'] as const;
/** Okabe–Ito first, which colour-blind eyes can tell apart. */
const HUES = [
  '#56b4e9',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#d55e00',
  '#d8cc2c',
  '#3d7fc4',
  '#8f8f98',
] as const;

/** One for each of `LEVEL_LETTERS`. */
export const LEVEL_COLOURS: readonly string[] = Array.from(LEVEL_LETTERS, (_, index) => {
  const at = (index / (LEVEL_LETTERS.length - 1)) * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  return between(STOPS[low] ?? '', STOPS[low + 1] ?? '', at - low);
});

/** The colour of the worker at this place; after the first eight they are told apart less and less. */
export function workerColour(index: number): string {
  const hue = HUES[index];
  return hue ?? `hsl(${Math.round((index * 137.5) % 360)} 45% ${50 + (index % 3) * 8}%)`;
}

/** One for each of `WORKER_LETTERS`, and for all others. */
export const WORKER_COLOURS: readonly string[] = [
  ...Array.from(WORKER_LETTERS, (_, index) => workerColour(index)),
  '#71717a',
];

function between(from: string, to: string, share: number): string {
  const channel = (colour: string, at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);
  const mixed = [1, 3, 5].map((at) =>
    Math.round(channel(from, at) * (1 - share) + channel(to, at) * share)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${mixed.join('')}`;
}
