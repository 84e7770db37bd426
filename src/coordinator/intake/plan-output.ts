import { DEFAULT_PATTERN } from '../../shared/contracts/job-document.ts';
import { FarmError, describeValue, type InputIssue } from '../../shared/domain/errors.ts';
import { parseOutputPattern, patternCollision } from '../../shared/domain/output-pattern.ts';
import type { EngineDescription } from '../../shared/engines/engine-catalogue.ts';
import type { DraftStep, PlannedStep } from './job-plan.ts';

function decidedFormat(
  { formatOf }: EngineDescription,
  settings: Record<string, unknown>,
): string | undefined {
  const value = formatOf && settings[formatOf.setting];
  return typeof value === 'string' ? formatOf?.formats[value] : undefined;
}

/** Format, size and names of a step's files, with the template's defaults where the job does not say. */
export function outputOf(
  step: DraftStep,
  context: {
    engine: EngineDescription;
    settings: Record<string, unknown>;
    defaults: DraftStep['output'];
    frameTotal: number;
    all: readonly DraftStep[];
  },
  issues: InputIssue[],
): PlannedStep['spec']['output'] {
  const { engine } = context;
  const wanted = { ...context.defaults, ...step.output };
  const decided = decidedFormat(engine, context.settings);
  const format = wanted.format ?? decided ?? engine.formats[0];
  if (decided !== undefined && format !== decided)
    issues.push({
      path: `${step.path}output.format`,
      value: describeValue(format),
      expected: `${decided}, as the setting ${engine.formatOf?.setting ?? ''} says`,
    });
  if (!engine.formats.includes(format))
    issues.push({
      path: `${step.path}output.format`,
      value: describeValue(format),
      expected: `one of ${engine.formats.join(', ')}, which ${engine.id} writes`,
    });
  const pattern = wanted.pattern ?? DEFAULT_PATTERN;
  const path = `${step.path}output.pattern`;
  try {
    const same = (other: DraftStep): boolean => (other.output?.pattern ?? DEFAULT_PATTERN) === pattern;
    const collision = patternCollision(parseOutputPattern(pattern), {
      frames: context.frameTotal,
      othersWithSamePattern: context.all.some((other) => other !== step && same(other)),
    });
    if (collision !== undefined) issues.push({ path, value: describeValue(pattern), expected: collision });
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    for (const issue of error.issues) issues.push({ ...issue, path });
  }
  return { ...wanted, format, pattern };
}
