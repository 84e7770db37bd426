/** One step and the steps that must be complete before it, by name. */
export interface GraphStep {
  name: string;
  dependsOn: readonly string[];
}

export type GraphOrder = { order: string[] } | { cycle: string[] };

/**
 * The names in an order in which each comes after what it depends on (document order where there is a choice), or one
 * cycle as it runs: `['a', 'b', 'a']`. Names that no step has are left out; they are another check's concern.
 */
export function orderSteps(steps: readonly GraphStep[]): GraphOrder {
  const known = new Map(steps.map((step) => [step.name, step]));
  const ended = new Set<string>();
  const order: string[] = [];
  for (const root of steps) {
    // Depth first with a stack of our own: a chain of 1,000 steps is legal.
    const path: { step: GraphStep; next: number }[] = [];
    const onPath = new Set<string>();
    const enter = (step: GraphStep): void => {
      path.push({ step, next: 0 });
      onPath.add(step.name);
    };
    if (!ended.has(root.name)) enter(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const name = top.step.dependsOn[top.next];
      if (name === undefined) {
        path.pop();
        onPath.delete(top.step.name);
        ended.add(top.step.name);
        order.push(top.step.name);
        continue;
      }
      top.next++;
      if (onPath.has(name)) return { cycle: cycleFrom(path, name) };
      const step = known.get(name);
      if (step && !ended.has(name)) enter(step);
    }
  }
  return { order };
}

function cycleFrom(path: readonly { step: GraphStep }[], name: string): string[] {
  const names = path.map((entry) => entry.step.name);
  return [...names.slice(names.indexOf(name)), name];
}
