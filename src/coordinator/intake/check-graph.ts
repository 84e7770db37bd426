import type { InputIssue } from '../../shared/domain/errors.ts';
import { describeValue } from '../../shared/domain/errors.ts';
import { orderSteps } from './step-graph.ts';
import type { DraftStep } from './job-plan.ts';

/**
 * Names are unique, dependencies and inputs name other steps of the job, and there is no cycle.
 * @returns names in an order in which each step comes after what it depends on; empty when there were issues.
 */
export function checkGraph(steps: readonly DraftStep[], issues: InputIssue[]): string[] {
  const before = issues.length;
  const names = new Set<string>();
  for (const step of steps) {
    if (names.has(step.name))
      issues.push({
        path: `${step.path}name`,
        value: describeValue(step.name),
        expected: 'a name that no other step has',
      });
    names.add(step.name);
  }
  for (const step of steps) {
    for (const name of step.dependsOn) {
      if (!names.has(name)) issues.push(unknownStep(step, name, names));
      else if (name === step.name)
        issues.push({
          path: `${step.path}dependsOn`,
          value: describeValue(name),
          expected: 'another step: a step cannot wait for itself',
        });
    }
  }
  if (issues.length > before) return [];
  const result = orderSteps(steps);
  if ('order' in result) return result.order;
  issues.push({
    path: 'steps',
    value: `the cycle ${result.cycle.join(' → ')}`,
    expected: 'dependencies without a cycle',
  });
  return [];
}

function unknownStep(step: DraftStep, name: string, names: ReadonlySet<string>): InputIssue {
  const input = Object.entries(step.inputs).find(
    ([, value]) => value.job === undefined && value.step === name,
  );
  const listed = [...names].filter((other) => other !== step.name).slice(0, 10);
  return {
    path: input ? `${step.path}inputs.${input[0]}.step` : `${step.path}dependsOn`,
    value: describeValue(name),
    expected:
      listed.length === 0 ? 'nothing: the job has no other step' : `a step of this job: ${listed.join(', ')}`,
  };
}
