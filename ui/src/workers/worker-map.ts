import type { Worker } from '../../../src/shared/contracts/api.ts';
import { WORKER_LOOKS } from '../common/states.ts';
import { isGone, usedMemory, usedSlots } from './worker-filter.ts';

export const MAP_COLOURS = ['state', 'cpu', 'memory', 'slots'] as const;
export type MapColour = (typeof MAP_COLOURS)[number];

export const MAP_WORDS: Record<MapColour, string> = {
  state: 'State',
  cpu: 'CPU',
  memory: 'Memory',
  slots: 'Slots in use',
};

export interface MapCell {
  /** A CSS variable, without `var()`. */
  variable: string;
  opacity: number;
  /** Struck through: it is gone or has a problem; colour is never alone. */
  struck: boolean;
  /** With a hole: it takes no tasks. */
  holed: boolean;
}

/** How a worker is drawn on the map. Pure. */
export function mapCell(worker: Worker, by: MapColour): MapCell {
  const gone = isGone(worker.state);
  const marks = {
    struck: worker.state === 'lost' || worker.problems.length > 0,
    holed: worker.state === 'paused' || worker.state === 'draining' || worker.state === 'stopping',
  };
  if (by === 'state')
    return { variable: variableOf(WORKER_LOOKS[worker.state].colour), opacity: 1, ...marks };
  if (gone) return { variable: '--state-empty', opacity: 1, ...marks };
  return { variable: '--state-running', opacity: 0.1 + 0.9 * Math.min(1, share(worker, by)), ...marks };
}

/** What a cell says under the pointer. */
export function mapWords(worker: Worker): string {
  const percent = (part: number): string => `${Math.round(100 * part)} %`;
  const { word } = WORKER_LOOKS[worker.state];
  if (isGone(worker.state)) return word;
  return [
    word,
    `${usedSlots(worker)} of ${worker.slots} slots`,
    `CPU ${percent(share(worker, 'cpu'))}`,
    `memory ${percent(share(worker, 'memory'))}`,
  ].join(' · ');
}

function share(worker: Worker, by: Exclude<MapColour, 'state'>): number {
  if (by === 'cpu') return worker.load / worker.cores;
  return by === 'memory' ? usedMemory(worker) : usedSlots(worker) / worker.slots;
}

const variableOf = (colour: string): string => /--[a-z-]+/.exec(colour)?.[0] ?? '--state-waiting';
