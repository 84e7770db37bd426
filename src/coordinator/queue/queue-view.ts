import type { NextReply, ProjectShare, WorkerGroup } from '../../shared/contracts/messages.ts';
import type { Snapshot } from '../planning/snapshot.ts';
import { keptGuarantees, queueOrder } from './queue-order.ts';

const MOST = 200;

export type QueueView = Exclude<NextReply, { error: string }>;

/** What a snapshot of the farm says of who is next, who has how much, and where. Pure. */
export function queueView(snapshot: Snapshot, most: number, nowMs: number): QueueView {
  const waiting = snapshot.steps.filter(({ ready }) => ready > 0);
  return {
    order: queueOrder(snapshot, most).map(({ submittedAtMs, ...place }) => ({
      ...place,
      waitedSeconds: Math.max(0, Math.round((nowMs - submittedAtMs) / 1_000)),
    })),
    steps: waiting.length,
    frames: waiting.reduce((sum, { ready }) => sum + ready, 0),
    projects: projectShares(snapshot),
    guarantees: keptGuarantees(snapshot).map(({ project, pool, slots, has }) => ({
      project,
      pool,
      slots,
      has,
    })),
    groups: snapshot.groups.slice(0, MOST).map(groupOf),
  };
}

/** By weight, of all slots, between those that have something or want something. */
function projectShares({ steps, tasks, groups, rules }: Snapshot): ProjectShare[] {
  const projects = new Map<string, { slots: number; ready: number }>();
  const of = (name: string): { slots: number; ready: number } => {
    const known = projects.get(name) ?? { slots: 0, ready: 0 };
    projects.set(name, known);
    return known;
  };
  for (const step of steps) of(step.project).ready += step.ready;
  for (const task of tasks) of(task.project).slots += task.slots;
  const weights = new Map(
    rules.shares.flatMap(({ kind, name, weight }) => (kind === 'project' ? [[name, weight]] : [])),
  );
  const weightOf = (name: string): number => weights.get(name) ?? 1;
  const slots = groups.reduce((sum, group) => sum + group.workers.length * group.slots, 0);
  const all = [...projects.keys()].reduce((sum, name) => sum + weightOf(name), 0);
  return [...projects]
    .map(([project, has]) => ({
      project,
      weight: weightOf(project),
      ...has,
      fairSlots: Math.round((10 * slots * weightOf(project)) / all) / 10,
    }))
    .sort((a, b) => b.slots - a.slots || b.ready - a.ready || (a.project < b.project ? -1 : 1))
    .slice(0, MOST);
}

const groupOf = ({ id, workers, slots, engines, site, tags }: Snapshot['groups'][number]): WorkerGroup => ({
  group: id,
  workers: workers.length,
  slots: workers.length * slots,
  freeSlots: workers.reduce((sum, { freeSlots, homeQueued }) => sum + Math.max(0, freeSlots - homeQueued), 0),
  engines: [...engines].map(([engine, version]) => `${engine} ${version}`),
  site,
  tags: [...tags],
});
