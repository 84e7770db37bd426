import { describe, expect, it } from 'vitest';
import { FRAME_STATES, type FrameGrid } from '../../../../src/shared/contracts/realtime.ts';
import { adoptGrid, lastWhere, numberAt, positionOf, setState, stateAt } from './frame-grid.ts';

const runs = [
  { start: 10, step: 5, count: 3 }, // 10 15 20
  { start: 3, step: -1, count: 2 }, // 3 2
];
const grid = (): FrameGrid => ({ step: 'render', runs, states: new Uint8Array(5) });

describe('frame grid', () => {
  it('finds numbers by place and places by number, in any order of frames', () => {
    const numbers = [0, 1, 2, 3, 4, 5].map((position) => numberAt(runs, position));
    expect(numbers).toEqual([10, 15, 20, 3, 2, undefined]);
    expect([10, 15, 20, 3, 2].map((frame) => positionOf(runs, frame))).toEqual([0, 1, 2, 3, 4]);
    expect(positionOf(runs, 12)).toBe(-1);
    expect(positionOf(runs, 25)).toBe(-1);
  });

  it('knows a unit of work, which is frame 0', () => {
    expect(positionOf([{ start: 0, step: 1, count: 1 }], 0)).toBe(0);
  });

  it('sets a state where the frame is, and nowhere for a frame that is not', () => {
    const changed = grid();
    expect(setState(changed, 3, 'done')).toBe(3);
    expect(setState(changed, 99, 'done')).toBe(-1);
    expect(stateAt(changed, 3)).toBe('done');
    setState(changed, 10, 'done');
    expect(lastWhere(changed, 'done', 5)).toEqual([3, 10]);
    expect(lastWhere(changed, 'done', 1)).toEqual([3]);
    expect(stateAt(changed, 5)).toBeUndefined();
  });

  it('takes over binary parts as browsers deliver them', () => {
    const bytes = Uint8Array.from([1, 4, 5, 0, 0]);
    const fromBrowser = { ...grid(), states: bytes.buffer as unknown as Uint8Array };
    const adopted = adoptGrid(fromBrowser);
    expect(stateAt(adopted, 1)).toBe(FRAME_STATES[4]);
    expect(adoptGrid({ ...grid(), states: bytes }).states).not.toBe(bytes);
  });
});
