import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutGraph } from './graph-layout.ts';

describe('layoutGraph', () => {
  it('puts each step to the right of what it waits for', () => {
    const { nodes, edges, columns, rows } = layoutGraph([
      { id: 'comp', needs: ['denoise', 'matte'] },
      { id: 'render', needs: [] },
      { id: 'denoise', needs: ['render'] },
      { id: 'matte', needs: [] },
    ]);
    const at = new Map(nodes.map((node) => [node.id, node]));
    expect(at.get('comp')?.column).toBe(2);
    expect(at.get('denoise')?.column).toBe(1);
    expect([at.get('render')?.column, at.get('matte')?.column]).toEqual([0, 0]);
    expect(edges).toHaveLength(3);
    expect({ columns, rows }).toEqual({ columns: 3, rows: 2 });
  });

  it('has a place of its own for each, and every line goes to the right, whatever the graph', () => {
    const graph = fc.array(fc.array(fc.nat(19), { maxLength: 4 }), { maxLength: 20 }).map((needs) =>
      needs.map((each, index) => ({
        id: String(index),
        needs: each.filter((need) => need < index).map(String),
      })),
    );
    fc.assert(
      fc.property(graph, (nodes) => {
        const { nodes: placed, edges } = layoutGraph(nodes);
        expect(new Set(placed.map(({ column, row }) => `${column}/${row}`)).size).toBe(nodes.length);
        const column = new Map(placed.map((node) => [node.id, node.column]));
        for (const { from, to } of edges) expect(column.get(from)).toBeLessThan(column.get(to) ?? 0);
      }),
    );
  });

  it('ends also where steps wait for each other', () => {
    const circle = [
      { id: 'a', needs: ['b'] },
      { id: 'b', needs: ['a', 'gone'] },
    ];
    expect(layoutGraph(circle).nodes).toHaveLength(2);
    expect(layoutGraph([])).toMatchObject({ columns: 0, rows: 0 });
  });
});
