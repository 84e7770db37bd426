import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFrameRange, parseFrameSelection } from '../../../../src/shared/domain/frame-ranges.ts';
import {
  addRange,
  isSelected,
  removeRange,
  selectedCount,
  selectionOf,
  selectionText,
  type FrameSelection,
  toggleRange,
} from './frame-selection.ts';

const of = (...ranges: [number, number][]): FrameSelection => ({ step: 'render', ranges });

describe('a selection of frames', () => {
  it('joins ranges that meet and takes parts out', () => {
    expect(addRange([[0, 3]], [4, 6])).toEqual([[0, 6]]);
    expect(addRange([[8, 9]], [1, 2])).toEqual([
      [1, 2],
      [8, 9],
    ]);
    expect(removeRange([[0, 9]], [3, 5])).toEqual([
      [0, 2],
      [6, 9],
    ]);
    expect(removeRange([[0, 9]], [0, 9])).toEqual([]);
  });

  it('is what was added and not taken out again, whatever the order', () => {
    const range = fc.tuple(fc.nat(30), fc.nat(5)).map(([first, more]) => [first, first + more] as const);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), range), { maxLength: 12 }), (steps) => {
        const wanted = new Set<number>();
        let ranges: FrameSelection['ranges'] = [];
        for (const [adds, [first, last]] of steps) {
          ranges = adds ? addRange(ranges, [first, last]) : removeRange(ranges, [first, last]);
          for (let i = first; i <= last; i++)
            if (adds) wanted.add(i);
            else wanted.delete(i);
        }
        const selection = { step: 'render', ranges };
        expect(selectedCount(selection)).toBe(wanted.size);
        for (let i = 0; i < 40; i++) expect(isSelected(selection, i)).toBe(wanted.has(i));
      }),
    );
  });

  it('is told by frame numbers, which the farm understands', () => {
    const { runs } = parseFrameRange('1-24');
    expect(selectionText(of([0, 4], [9, 9]), runs)).toBe('1-5,10');
    expect(selectionText(of([1, 3]), parseFrameRange('10-1').runs)).toBe('7-9');
    expect(selectionText(of([0, 2]), parseFrameRange('1-100x5').runs)).toBe('1-11x5');
    const scattered = parseFrameRange('1,50,100,2-9').runs;
    expect(selectionText(of([0, 5]), scattered)).toBe('1-4,50,100');
  });

  it('changes as with Ctrl in file managers: what was begun on a marked frame takes away', () => {
    const marked = [[2, 5]] as const;
    expect(toggleRange(marked, [4, 8], 4)).toEqual([[2, 3]]);
    expect(toggleRange(marked, [4, 8], 8)).toEqual([[2, 8]]);
    expect(toggleRange(marked, [9, 9], 9)).toEqual([
      [2, 5],
      [9, 9],
    ]);
  });

  it('comes back from its text', () => {
    for (const text of ['1-24', '10-1', '1-100x5', '1,50,100,2-9', '-5-5']) {
      const { runs, count } = parseFrameRange(text);
      const selection = of([0, 0], [2, Math.min(5, count - 1)]);
      const told = selectionText(selection, runs);
      expect(
        selectionText(of(...(selectionOf(parseFrameSelection(told), runs) as [number, number][])), runs),
      ).toBe(told);
    }
    expect(selectionOf(parseFrameSelection('200-300'), parseFrameRange('1-10').runs)).toEqual([]);
  });
});
