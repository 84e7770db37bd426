import { SINGLE_STEP, type JobDocument, type StepDocument } from '../../shared/contracts/job-document.ts';
import type { InputIssue } from '../../shared/domain/errors.ts';
import { describeValue } from '../../shared/domain/errors.ts';
import type { DraftDependency, DraftStep } from './job-plan.ts';

/** Fields that belong to one engine: at the top of a job with one engine, else in each step. */
const STEP_FIELDS = [
  'engine',
  'scene',
  'frames',
  'requires',
  'licences',
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
  // What the job waits for, it waits for as a whole.
  return [draft({ ...document, name: SINGLE_STEP, engine: document.engine, dependsOn: [] }, '')];
}

function draft(
  step: Omit<StepDocument, 'dependsOn' | 'inputs'> & Partial<StepDocument>,
  path: string,
): DraftStep {
  const inputs = step.inputs ?? {};
  const dependencies = dependenciesOf(step, path);
  return {
    name: step.name,
    path,
    engine: step.engine,
    scene: step.scene,
    frames: step.frames,
    dependsOn: [...new Set(dependencies.flatMap((needed) => ('step' in needed ? [needed.step] : [])))],
    dependencies,
    inputs,
    requires: step.requires,
    licences: step.licences ?? [],
    chunk: step.chunk,
    targetSeconds: step.targetSeconds,
    maxAttempts: step.maxAttempts,
    timeouts: step.timeouts,
    data: step.data,
    settings: step.settings,
    output: step.output,
    quality: step.quality,
  };
}

/** What the step names, and what its inputs imply; a step that is named as an input, too, is waited for once. */
function dependenciesOf(step: Partial<StepDocument>, path: string): DraftDependency[] {
  const named = (step.dependsOn ?? []).map((needed, index) => {
    const place = { path: `${path}dependsOn[${index}]` };
    if (typeof needed === 'string') return { ...place, step: needed, ...how({}) };
    if ('job' in needed) return { ...place, job: needed.job, stepOfJob: needed.step ?? null, ...how(needed) };
    return { ...place, step: needed.step, ...how(needed) };
  });
  const seen = new Set(
    named.map((needed) =>
      'step' in needed ? placeOf(undefined, needed.step) : placeOf(needed.job, needed.stepOfJob),
    ),
  );
  const implied = Object.entries(step.inputs ?? {}).flatMap(([name, { job, step: source }]) => {
    if (seen.has(placeOf(job, source))) return [];
    seen.add(placeOf(job, source));
    const place = { path: `${path}inputs.${name}.${job === undefined ? 'step' : 'job'}`, ...how({}) };
    return [job === undefined ? { ...place, step: source } : { ...place, job, stepOfJob: source }];
  });
  return [...named, ...implied];
}

const placeOf = (job: string | undefined, step: string | null): string => `${job ?? ''}/${step ?? ''}`;

const how = ({
  kind = 'all',
  offset = 0,
  window = 0,
}: {
  kind?: 'all' | 'frame' | undefined;
  offset?: number | undefined;
  window?: number | undefined;
}): Pick<DraftDependency, 'kind' | 'offset' | 'window'> => ({ kind, offset, window });
