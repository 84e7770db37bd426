import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderSteps } from './step-graph.ts';

const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
  fc.array(fc.array(fc.integer({ min: 0, max: size - 1 }), { maxLength: 3 }), {
    minLength: size,
    maxLength: size,
  }),
);
const toSteps = (edges: number[][]) =>
  edges.map((to, i) => ({ name: `s${i}`, dependsOn: to.map((n) => `s${n}`) }));

describe('orderSteps', () => {
  it('puts each step after what it depends on, or names a cycle that is one', () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const steps = toSteps(edges);
        const result = orderSteps(steps);
        if ('order' in result) {
          expect([...result.order].sort()).toEqual(steps.map((step) => step.name).sort());
          for (const step of steps)
            for (const needed of step.dependsOn)
              expect(result.order.indexOf(needed)).toBeLessThan(result.order.indexOf(step.name));
          return;
        }
        const { cycle } = result;
        expect(cycle.at(0)).toBe(cycle.at(-1));
        for (let i = 0; i + 1 < cycle.length; i++)
          expect(steps.find((step) => step.name === cycle[i])?.dependsOn).toContain(cycle[i + 1]);
      }),
    );
  });

  it('takes a chain of 1,000 steps', () => {
    const chain = Array.from({ length: 1_000 }, (_, i) => ({
      name: `s${i}`,
      dependsOn: i > 0 ? [`s${i - 1}`] : [],
    }));
    expect(orderSteps([...chain].reverse())).toEqual({ order: chain.map((step) => step.name) });
  });
});
