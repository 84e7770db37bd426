import type { JobDocument } from '../../shared/contracts/job-document.ts';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import type { DraftDependency, DraftStep } from './job-plan.ts';

type OtherJob = DraftDependency & { job: string; stepOfJob: string | null };

/** What a step waits for in other jobs. */
export const otherJobs = (step: DraftStep): OtherJob[] =>
  step.dependencies.flatMap((needed) => ('job' in needed ? [needed] : []));

/** Jobs that the whole job waits for. A step of one, or frame by frame, is something that a step waits for. */
export function jobDependencies(document: JobDocument, issues: InputIssue[]): OtherJob[] {
  return (document.dependsOn ?? []).flatMap(({ job, step, kind }, index) => {
    const path = `dependsOn[${index}]`;
    if (step === undefined && (kind ?? 'all') === 'all')
      return [{ path, job, stepOfJob: null, kind: 'all' as const, offset: 0, window: 0 }];
    issues.push({
      path: step === undefined ? `${path}.kind` : `${path}.step`,
      value: describeValue(step ?? kind),
      expected:
        'a whole job here, {"job": …}; what waits for a step or frame by frame is a step: its own dependsOn',
    });
    return [];
  });
}

/** Waiting frame by frame needs frames on both sides, and each other thing is waited for in one way. */
export function checkFrameDependencies(steps: readonly DraftStep[], issues: InputIssue[]): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  for (const step of steps) {
    const seen = new Set<string>();
    for (const needed of step.dependencies) {
      const name = 'step' in needed ? `step ${needed.step}` : `job ${needed.job}`;
      const place = 'step' in needed ? name : `${name}/${needed.stepOfJob ?? ''}`;
      if (seen.has(place))
        issues.push({ path: needed.path, value: name, expected: 'each step or job once: in one way' });
      seen.add(place);
      if (needed.kind === 'all') {
        if (needed.offset !== 0 || needed.window !== 0)
          issues.push({
            path: needed.path,
            value: `an offset or window with ${describeValue('all')}`,
            expected: 'kind "frame" for these, or neither of them',
          });
        continue;
      }
      const other = 'step' in needed ? byName.get(needed.step) : undefined;
      const unit = [step, other].find((one) => one && describeEngine(one.engine)?.work === 'unit');
      if (unit)
        issues.push({
          path: needed.path,
          value: `frame by frame with step ${unit.name}, which has no frames`,
          expected: `kind "all": ${unit.engine} does one piece of work a step`,
        });
    }
  }
}
