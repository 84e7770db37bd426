import { SINGLE_STEP, type JobDocument, type StepDocument } from '../../shared/contracts/job-document.ts';
import type { InputIssue } from '../../shared/domain/errors.ts';
import { describeValue } from '../../shared/domain/errors.ts';
import type { DraftStep } from './job-plan.ts';

/** Fields that belong to one engine: at the top of a job with one engine, else in each step. */
const STEP_FIELDS = [
  'engine',
  'scene',
  'frames',
  'chunk',
  'targetSeconds',
  'maxAttempts',
  'timeouts',
  'data',
  'settings',
  'output',
] as const;

/** Both forms of a job document, one engine at the top or `steps`, as a list of steps. */
export function draftSteps(document: JobDocument, issues: InputIssue[]): DraftStep[] {
  const { steps } = document;
  if (steps === undefined) return singleStep(document, issues);
  for (const field of STEP_FIELDS) {
    if (document[field] !== undefined)
      issues.push({
        path: field,
        value: describeValue(document[field]),
        expected: 'nothing here when there are "steps": it belongs into each step',
      });
  }
  return steps.map((step, index) => draft(step, `steps[${index}].`));
}

function singleStep(document: JobDocument, issues: InputIssue[]): DraftStep[] {
  if (document.engine === undefined) {
    issues.push({ path: 'engine', value: 'nothing', expected: '"engine" for a job of one step, or "steps"' });
    return [];
  }
  return [draft({ ...document, name: SINGLE_STEP, engine: document.engine }, '')];
}

function draft(
  step: Omit<StepDocument, 'dependsOn' | 'inputs'> & Partial<StepDocument>,
  path: string,
): DraftStep {
  const inputs = step.inputs ?? {};
  return {
    name: step.name,
    path,
    engine: step.engine,
    scene: step.scene,
    frames: step.frames,
    dependsOn: [
      ...new Set([
        ...(step.dependsOn ?? []).flatMap((needed) => {
          if (typeof needed === 'string') return [needed];
          return 'job' in needed ? [] : [needed.step];
        }),
        ...Object.values(inputs).map((input) => input.step),
      ]),
    ],
    inputs,
    chunk: step.chunk,
    targetSeconds: step.targetSeconds,
    maxAttempts: step.maxAttempts,
    timeouts: step.timeouts,
    data: step.data,
    settings: step.settings,
    output: step.output,
  };
}
