import { describe, expect, it } from 'vitest';
import { FRAME_STATES } from '../../../../src/shared/contracts/realtime.ts';
import { cellAt, cellByte, layoutGrid, zoomed } from './grid-layout.ts';

describe('layoutGrid', () => {
  it('gives every frame of a large job a cell of its own', () => {
    const layout = layoutGrid(10_000, 1_000);
    expect(layout.framesPerCell).toBe(1);
    expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(10_000);
    expect(layout.columns * layout.pitch).toBeLessThanOrEqual(1_000);
    expect(layout.height).toBeLessThan(2_000);
  });

  it('lets cells stand for several frames before a canvas becomes taller than browsers allow', () => {
    const layout = layoutGrid(2_000_000, 300);
    expect(layout.framesPerCell).toBeGreaterThanOrEqual(20);
    expect(layout.height).toBeLessThanOrEqual(16_000);
    expect(layoutGrid(2_000_000, 360, undefined, 3).height).toBeLessThanOrEqual(16_000 / 3);
  });

  it('is drawn as large as asked for, as far as a canvas may be', () => {
    expect(layoutGrid(10_000, 1_000, 28)).toMatchObject({ pitch: 28, columns: 35, framesPerCell: 1 });
    expect(layoutGrid(100_000, 1_000, 40)).toMatchObject({ framesPerCell: 1 });
    expect(layoutGrid(100_000, 1_000, 40).pitch).toBeLessThan(40);
  });

  it('goes from one size to the next', () => {
    expect(zoomed(14, 1)).toBe(20);
    expect(zoomed(14, -1)).toBe(11);
    expect(zoomed(40, 1)).toBe(40);
    expect(zoomed(4, -1)).toBe(4);
  });

  it('always has a column, however narrow the page', () => {
    expect(layoutGrid(3, 5).columns).toBe(1);
  });
});

describe('cellAt', () => {
  const layout = layoutGrid(10, 28 * 4);

  it('finds the cell under a point and nothing beside the grid', () => {
    expect(cellAt(layout, 10, 0, 0)).toBe(0);
    expect(cellAt(layout, 10, 28 * 3 + 1, 29)).toBe(7);
    expect(cellAt(layout, 10, 28 * 4, 0)).toBe(-1);
    expect(cellAt(layout, 10, 28 * 3, 28 * 2)).toBe(-1);
    expect(cellAt(layout, 10, -1, 0)).toBe(-1);
  });
});

describe('cellByte', () => {
  it('shows what most wants attention among the frames of a cell', () => {
    const byte = (name: (typeof FRAME_STATES)[number]): number => FRAME_STATES.indexOf(name);
    const states = Uint8Array.from([
      byte('done'),
      byte('failed'),
      byte('running'),
      byte('done'),
      byte('done'),
    ]);
    expect(cellByte(states, 0, 3)).toBe(byte('failed'));
    expect(cellByte(states, 1, 3)).toBe(byte('done'));
    expect(cellByte(states, 2, 1)).toBe(byte('running'));
  });
});
