import type { Snapshot, StepView } from '../planning/snapshot.ts';
import { fairSlots, type Usage, type Use } from '../planning/usage.ts';
import { count } from '../why/wording.ts';

/** Less than this of a slot in use lately is nothing to speak of. */
const NOTHING = 0.05;

/** Why a step's turn comes where it comes in its level: what its project has, or where there is one only, its owner or job. */
export function shareText(
  { project, owner, jobId, priority }: StepView,
  usage: Usage,
  among: { projects: number; owners: number; jobs: number },
): string {
  if (among.jobs === 1) return `It is the only one that waits with priority ${priority}.`;
  if (among.projects > 1) return hasText(`Project ${project}`, usage.project(project));
  if (among.owners > 1) return hasText(`Owner ${owner}`, usage.owner(project, owner));
  return `${hasText('The job', usage.job(project, owner, jobId))} Among equals, the older goes first.`;
}

function hasText(who: string, use: Use): string {
  if (use.slots < NOTHING) return `${who} has nothing, now or lately.`;
  return `${who} has had ${figure(use.slots)} slots, now and lately; ${figure(fairSlots(use))} would be a fair share.`;
}

/** The limits that a step stands before, with what they allow. */
export function limitText(step: StepView, { rules, tasks }: Snapshot): string {
  const named = rules.limits.filter(({ kind, name }) =>
    kind === 'licence'
      ? step.licences.includes(name)
      : name === { project: step.project, owner: step.owner, engine: step.needs.engine }[kind],
  );
  const reached = named.flatMap(({ kind, name, running }) => {
    const open = tasks.filter((task) =>
      kind === 'licence' ? task.licences.includes(name) : task[kind] === name,
    ).length;
    return [{ left: running - open, text: `${kind} ${name}: ${open} of ${running} in use` }];
  });
  if (step.jobLimit !== null) {
    const open = tasks.filter((task) => task.jobId === step.jobId).length;
    reached.push({ left: step.jobLimit - open, text: `its own: ${open} of ${step.jobLimit} in use` });
  }
  const [tightest] = reached.sort((a, b) => a.left - b.left);
  if (!tightest) return 'It waits for a limit.';
  if (tightest.left > 0)
    return `It waits for a limit (${tightest.text}); those before it take the last ${count(tightest.left, 'place')}.`;
  return `It waits for a limit (${tightest.text}).`;
}

const figure = (slots: number): string => (slots >= 10 ? String(Math.round(slots)) : slots.toFixed(1));
