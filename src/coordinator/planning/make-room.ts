import type { DispatchPlan, Snapshot, TaskView } from './snapshot.ts';

/** Younger tasks are about to be taken: a fast lane is empty again before it could be cleared. */
const SETTLED_MS = 300;
const MAX_A_GROUP = 64;

/**
 * Tasks that wait in common lanes and are to go back because work of higher priority would take their places: what is
 * cut ahead must not make a new priority wait. Asks the planner what it would do with their places, so that nothing goes
 * back for work that a limit or a requirement keeps from running. Pure.
 * @returns keys of tasks.
 */
export function planMakeRoom(snapshot: Snapshot, plan: (snapshot: Snapshot) => DispatchPlan): string[] {
  const highest = snapshot.steps.reduce((top, step) => Math.max(top, step.priority), -1);
  const waiting = snapshot.tasks.filter(
    (task) =>
      task.state === 'queued' && task.worker === null && task.priority < highest && task.ageMs >= SETTLED_MS,
  );
  if (waiting.length === 0) return [];
  const movable = byGroup(waiting);
  const gone = new Set([...movable.values()].flat());
  const { cuts } = plan({
    ...snapshot,
    tasks: snapshot.tasks.filter((task) => !gone.has(task)),
    groups: snapshot.groups.map((group) => ({
      ...group,
      window: group.window + (movable.get(group.id)?.length ?? 0),
    })),
  });
  const priorities = new Map(snapshot.steps.map((step) => [step.key, step.priority]));
  return snapshot.groups.flatMap((group) => {
    const wanting = cuts
      .filter((cut) => cut.group === group.id && cut.slots === 1)
      .map((cut) => priorities.get(cut.stepKey) ?? 0)
      .sort((a, b) => b - a)
      // What has a place without anything going back needs nobody's.
      .slice(group.window);
    const tasks = movable.get(group.id) ?? [];
    return tasks.filter((task, index) => (wanting[index] ?? -1) > task.priority).map((task) => task.key);
  });
}

/** Those that go back first come first: the lowest priority, then the youngest. */
function byGroup(tasks: readonly TaskView[]): Map<string, TaskView[]> {
  const groups = new Map<string, TaskView[]>();
  for (const task of [...tasks].sort((a, b) => a.priority - b.priority || a.ageMs - b.ageMs)) {
    const group = groups.get(task.group) ?? [];
    if (group.length < MAX_A_GROUP) group.push(task);
    groups.set(task.group, group);
  }
  return groups;
}
