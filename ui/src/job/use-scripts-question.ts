import { computed, type ComputedRef } from 'vue';
import { untrustedScripts } from '../../../src/shared/contracts/scripts-question.ts';
import { useJobView } from './use-job-view.ts';

/** What was not run in the scenes of steps that are held until somebody trusts their scripts; nothing: nobody is asked. */
export function useScriptsQuestion(): ComputedRef<string[]> {
  const { job, plan } = useJobView();
  return computed(() => {
    if (!job.value) return [];
    const held = new Set(job.value.steps.filter(({ state }) => state === 'held').map(({ name }) => name));
    if (held.size === 0) return [];
    const steps = plan.value?.steps.filter(({ name }) => held.has(name)) ?? [];
    const reasons = [job.value.error, ...steps.map(({ holdReason }) => holdReason)];
    return [...new Set(reasons.flatMap((reason) => untrustedScripts(reason) ?? []))];
  });
}
