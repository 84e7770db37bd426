import type { Snapshot, TakeBack, TaskView } from './snapshot.ts';

/**
 * Which tasks are to give back what they have not begun, so that others can have it: work that asked to preempt waits;
 * slots idle while one task has many frames left; a task waits for a busy worker while others idle.
 */
export function planTakeBack(snapshot: Snapshot): TakeBack[] {
  const found = new Map<string, TakeBack>();
  for (const taskBack of idleElsewhere(snapshot.tasks)) found.set(taskBack.taskKey, taskBack);
  return [...found.values()];
}

function idleElsewhere(_tasks: readonly TaskView[]): TakeBack[] {
  return [];
}
