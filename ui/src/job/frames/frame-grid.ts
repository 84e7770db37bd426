import { FRAME_STATES, type FrameGrid, type FrameState } from '../../../../src/shared/contracts/realtime.ts';

type Runs = readonly FrameGrid['runs'][number][];

/** The frame number at a place in the step's order, or undefined past the end. */
export function numberAt(runs: Runs, position: number): number | undefined {
  let rest = position;
  for (const run of runs) {
    if (rest < run.count) return run.start + rest * run.step;
    rest -= run.count;
  }
  return undefined;
}

/** The place of a frame in the step's order, or -1 when the step has no such frame. */
export function positionOf(runs: Runs, frame: number): number {
  let before = 0;
  for (const run of runs) {
    const offset = (frame - run.start) / (run.step === 0 ? 1 : run.step);
    if (Number.isInteger(offset) && offset >= 0 && offset < run.count) return before + offset;
    before += run.count;
  }
  return -1;
}

export function stateAt(grid: FrameGrid, position: number): FrameState | undefined {
  const byte = grid.states[position];
  return byte === undefined ? undefined : FRAME_STATES[byte];
}

/** Sets a frame's state. Returns its place, or -1 when the step has no such frame. */
export function setState(grid: FrameGrid, frame: number, state: FrameState): number {
  const position = positionOf(grid.runs, frame);
  if (position >= 0) grid.states[position] = FRAME_STATES.indexOf(state);
  return position;
}

/** Browsers get binary parts as ArrayBuffer, Node as Buffer: both become bytes of our own. */
export function adoptGrid(grid: FrameGrid): FrameGrid {
  const states: Uint8Array | ArrayBuffer = grid.states;
  return {
    ...grid,
    states: states instanceof ArrayBuffer ? new Uint8Array(states) : Uint8Array.from(states),
  };
}

/** The last frames of a state, by their place in the step's order, last first; at most `count`. */
export function lastWhere(grid: FrameGrid, state: FrameState, count: number): number[] {
  const byte = FRAME_STATES.indexOf(state);
  const found: number[] = [];
  for (let position = grid.states.length - 1; position >= 0 && found.length < count; position--) {
    if (grid.states[position] !== byte) continue;
    const frame = numberAt(grid.runs, position);
    if (frame !== undefined) found.push(frame);
  }
  return found;
}
