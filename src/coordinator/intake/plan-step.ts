import { DEFAULT_MAX_ATTEMPTS, DEFAULT_TARGET_SECONDS } from '../../shared/contracts/job-document.ts';
import { describeEngine, engineIds, type EngineDescription } from '../../shared/engines/engine-catalogue.ts';
import type { StepRequirements } from '../../shared/database/schema.ts';
import { FarmError, describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import { parseFrameRange, type FrameRun } from '../../shared/domain/frame-ranges.ts';
import type { DraftStep, PlannedStep, ResolvedScene } from './job-plan.ts';
import { parseByteSize } from '../../shared/domain/byte-sizes.ts';
import { outputOf } from './plan-output.ts';
import { previewFirst } from './preview-order.ts';
import type { QualityPolicy } from '../../shared/contracts/quality.ts';
import { mergePolicies } from '../quality/merge-policies.ts';
import { rootsOf } from './root-references.ts';

/** The engine that only measures the farm. */
const NO_FILES = 'null';
/** The one frame number of a step that is a single unit of work. */
const UNIT_FRAME = 0;

/** The engine of a step, or an issue that lists those there are. */
export function engineOf(step: DraftStep, issues: InputIssue[]): EngineDescription | undefined {
  const engine = describeEngine(step.engine);
  if (!engine)
    issues.push({
      path: `${step.path}engine`,
      value: describeValue(step.engine),
      expected: `one of ${engineIds().join(', ')}`,
    });
  return engine;
}

/** What an engine asks of a step's scene and inputs, before anything is looked up. */
export function checkAgainstEngine(step: DraftStep, engine: EngineDescription, issues: InputIssue[]): void {
  if (engine.scene === 'required' && step.scene === undefined)
    issues.push({
      path: `${step.path}scene`,
      value: 'nothing',
      expected: `a scene for ${engine.id}: "asset:<sha256>/<path>", "template:<name>" or "root:<name>/<path>"`,
    });
  if (engine.scene === 'none' && step.scene !== undefined)
    issues.push({
      path: `${step.path}scene`,
      value: describeValue(step.scene),
      expected: `no scene: ${engine.id} takes none`,
    });
  const inputs = Object.keys(step.inputs);
  if (engine.inputs === 'required' && inputs.length === 0)
    issues.push({
      path: `${step.path}inputs`,
      value: 'nothing',
      expected: `another step's frames for ${engine.id}, such as {"frames": {"step": "render"}}`,
    });
  if (engine.inputs === 'none' && inputs.length > 0)
    issues.push({
      path: `${step.path}inputs`,
      value: describeValue(inputs),
      expected: `no inputs: ${engine.id} takes none`,
    });
  if (inputs.length > 0) checkInputNames(step, engine, issues);
}

function checkInputNames(step: DraftStep, { id, inputNames }: EngineDescription, issues: InputIssue[]): void {
  if (!inputNames) return;
  const inputs = Object.keys(step.inputs);
  const expected = `${id} takes ${inputNames.known.join(', ') || 'none'}`;
  for (const name of inputs)
    if (!inputNames.known.includes(name))
      issues.push({ path: `${step.path}inputs.${name}`, value: 'an unknown input', expected });
  for (const name of inputNames.required)
    if (!inputs.includes(name))
      issues.push({
        path: `${step.path}inputs.${name}`,
        value: 'nothing',
        expected: `another step's frames: ${expected}`,
      });
}

/** What a step's plan takes from its job and from the farm. */
export interface StepOptions {
  preview: boolean;
  requires: StepRequirements;
  engineVersion: string | null;
  /** The farm's policy and the job's. */
  quality: { farm: QualityPolicy; job: QualityPolicy | undefined };
}

/** Frames, settings and output of a step, with the template's defaults where the job does not say. */
export function planStep(
  step: DraftStep,
  engine: EngineDescription,
  resolved: ResolvedScene,
  all: readonly DraftStep[],
  options: StepOptions,
  issues: InputIssue[],
): PlannedStep {
  const ordered = frameRuns(step, engine, resolved, issues);
  const preview = options.preview ? previewFirst(ordered) : { runs: ordered, frames: 0 };
  const { runs } = preview;
  const settings = settingsOf(step, engine, resolved.defaults.settings, issues);
  const frameTotal = runs.reduce((sum, run) => sum + run.count, 0);
  return {
    name: step.name,
    engine: engine.id,
    dependsOn: step.dependsOn,
    dependencies: step.dependencies,
    engineVersion: options.engineVersion,
    frameTotal,
    chunk: step.chunk ?? 'auto',
    targetSeconds: step.targetSeconds ?? DEFAULT_TARGET_SECONDS,
    spec: {
      requires: options.requires,
      licences: [...new Set(step.licences)],
      previewFrames: preview.frames,
      runs,
      scene: resolved.scene,
      inputs: step.inputs,
      data: dataOf(step, engine, resolved.data, issues),
      settings,
      output: outputOf(
        step,
        { engine, settings, defaults: resolved.defaults.output, frameTotal, all },
        issues,
      ),
      maxAttempts: step.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
      timeouts: step.timeouts ?? {},
      ...judging(step, resolved, options),
    },
  };
}

/** How its results are judged: as the step says, else its job, its template, the farm. What writes no files has nothing to judge. */
function judging(
  step: DraftStep,
  { defaults }: ResolvedScene,
  { quality: { farm, job } }: StepOptions,
): Pick<PlannedStep['spec'], 'quality'> {
  if (step.engine === NO_FILES) return {};
  return { quality: mergePolicies(farm, defaults.quality, job, step.quality) };
}

/** What a step asks of a worker, apart from the engine's version. */
export function needsOf(step: DraftStep): Omit<StepRequirements, 'engineVersion'> & { roots: string[] } {
  const { requires } = step;
  const memory = requires?.memory;
  return {
    cores: requires?.cores ?? null,
    memoryBytes: typeof memory === 'string' ? (parseByteSize(memory) ?? null) : (memory ?? null),
    gpus: requires?.gpus ?? 0,
    tags: [...new Set(requires?.tags)],
    site: requires?.site ?? null,
    preferSite: requires?.preferSite ?? null,
    roots: rootsOf(step).map(({ root }) => root),
  };
}

function frameRuns(
  step: DraftStep,
  engine: EngineDescription,
  resolved: ResolvedScene,
  issues: InputIssue[],
): FrameRun[] {
  const path = `${step.path}frames`;
  if (engine.work === 'unit') {
    if (step.frames !== undefined)
      issues.push({
        path,
        value: describeValue(step.frames),
        expected: `no frames: ${engine.id} does one piece of work a step`,
      });
    return [{ start: UNIT_FRAME, step: 1, count: 1 }];
  }
  const text = step.frames ?? resolved.defaults.frames;
  if (text === undefined) {
    if (resolved.unknownTemplate) return [];
    issues.push({ path, value: 'nothing', expected: 'a frame range such as 1-100' });
    return [];
  }
  try {
    return [...parseFrameRange(text).runs];
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    for (const issue of error.issues) issues.push({ ...issue, path });
    return [];
  }
}

function settingsOf(
  step: DraftStep,
  engine: EngineDescription,
  byDefault: Record<string, unknown> | undefined,
  issues: InputIssue[],
): Record<string, unknown> {
  const settings = { ...byDefault, ...step.settings };
  issues.push(...engine.settings.check(settings, `${step.path}settings`).issues);
  return settings;
}

/** Some engines cannot take any data, whatever the scene says. */
function dataOf(
  step: DraftStep,
  engine: EngineDescription,
  data: Record<string, unknown>,
  issues: InputIssue[],
): Record<string, unknown> {
  if (engine.data) issues.push(...engine.data.check(data, `${step.path}data`).issues);
  return data;
}
