import { describe, expect, it } from 'vitest';
import { FRAME_STATES } from '../../../../src/shared/contracts/realtime.ts';
import { GridPainter, type GridContext, type GridView } from './draw-grid.ts';
import { layoutGrid } from './grid-layout.ts';

/** Notes what is filled, where and in which colour. */
function recorder(): { context: GridContext; fills: string[] } {
  const fills: string[] = [];
  const nothing = (): void => undefined;
  const context: GridContext = {
    fillStyle: '',
    strokeStyle: '',
    lineWidth: 1,
    beginPath: nothing,
    clearRect: nothing,
    lineTo: nothing,
    moveTo: nothing,
    stroke: nothing,
    strokeRect: (x, y) => fills.push(`outline ${context.strokeStyle as string} at ${x},${y}`),
    fillRect: (x, y) => fills.push(`${context.fillStyle as string} at ${x},${y}`),
  };
  return { context, fills };
}

const byte = (name: (typeof FRAME_STATES)[number]): number => FRAME_STATES.indexOf(name);
const view: GridView = {
  layout: layoutGrid(6, 28 * 3),
  paint: { colours: [...FRAME_STATES], background: 'page', accent: 'accent' },
};

describe('GridPainter', () => {
  it('paints only the cells that changed', () => {
    const states = new Uint8Array(6).fill(byte('ready'));
    const painter = new GridPainter();
    const { context, fills } = recorder();
    painter.paintAll(context, states, view);
    expect(fills).toHaveLength(6);
    fills.length = 0;
    states[4] = byte('done');
    expect(painter.paintChanges(context, states, view)).toBe(1);
    expect(fills).toEqual(['done at 28,28']);
    expect(painter.paintChanges(context, states, view)).toBe(0);
  });

  it('does not tell states by colour alone', () => {
    const painter = new GridPainter();
    const { context, fills } = recorder();
    painter.paintAll(context, Uint8Array.from([byte('running'), byte('cancelled')]), view);
    expect(fills).toEqual(['running at 0,0', 'page at 8,8', 'outline cancelled at 28.5,0.5']);
  });
});
