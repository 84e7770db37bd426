import type { FarmRules } from '../planning/snapshot.ts';

/** Slots that a project could use at one level, and has. */
export interface Demand {
  project: string;
  priority: number;
  slots: number;
}

/**
 * Slots that each project is due: level by level, by weight, never more than it could use; what one does not use goes to
 * the others of the level, then to the next level.
 */
export function dueSlots(
  demands: readonly Demand[],
  slots: number,
  rules: Pick<FarmRules, 'shares'>,
): Map<string, number> {
  const weights = new Map(
    rules.shares.filter(({ kind }) => kind === 'project').map(({ name, weight }) => [name, weight]),
  );
  const due = new Map<string, number>();
  let left = slots;
  const levels = [...new Set(demands.map(({ priority }) => priority))].sort((a, b) => b - a);
  for (const level of levels) {
    let open = demands.filter(({ priority }) => priority === level).map((demand) => ({ ...demand }));
    while (open.length > 0 && left > 1e-9) {
      const sum = open.reduce((all, { project }) => all + (weights.get(project) ?? 1), 0);
      const each = Math.min(
        left / sum,
        ...open.map(({ project, slots: wanted }) => wanted / (weights.get(project) ?? 1)),
      );
      for (const demand of open) {
        const part = each * (weights.get(demand.project) ?? 1);
        demand.slots -= part;
        left -= part;
        due.set(demand.project, (due.get(demand.project) ?? 0) + part);
      }
      open = open.filter(({ slots: wanted }) => wanted > 1e-9);
    }
  }
  return due;
}

/** Jain's index of fairness: 1 when all are equal, 1/n when one has everything. */
export function jain(values: readonly number[]): number {
  if (values.length === 0) return 1;
  const sum = values.reduce((all, value) => all + value, 0);
  const squares = values.reduce((all, value) => all + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}
