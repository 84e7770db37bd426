import { InvalidInputError, describeValue } from './errors.ts';
import { beforeExtension, nameKey } from './file-names.ts';
import { nameShape, shapesOverlap, type NameShape } from './name-overlap.ts';
import {
  formatOutputName,
  parseOutputPattern,
  patternCollision,
  patternUses,
  type OutputPattern,
} from './output-pattern.ts';

/** What of a job stands in names. */
export interface NamedJob {
  name: string;
  project: string;
  labels: Readonly<Record<string, string>>;
}

export interface NamedStep {
  name: string;
  /** As the job says it. */
  pattern: string;
  /** How many of its frames are named. */
  frames: number;
}

interface StepNames {
  pattern: OutputPattern;
  tail: string;
}

/**
 * Names of a job's files as people see them: each file has one of its own, also where upper and lower case are not told
 * apart, and the same one each time. Nothing is remembered of the names that were given: a job may have millions.
 */
export class JobFileNames {
  readonly #job: NamedJob;
  readonly #steps: ReadonlyMap<string, StepNames>;

  /**
   * @param given a pattern instead of those of the steps
   * @throws FarmError `invalid` for a given pattern that is wrong or does not tell the files apart
   */
  constructor(job: NamedJob, steps: readonly NamedStep[], given?: string) {
    this.#job = job;
    if (given !== undefined) assertTellsApart(parseOutputPattern(given), steps);
    this.#steps = tellApart(job, steps, given);
  }

  /** The names of one frame's files, in their order. */
  ofFrame(step: string, frame: number, files: readonly { output: string; ext: string }[]): string[] {
    const names = this.#steps.get(step);
    if (!names) throw new RangeError(`There is no step ${step} to name files of`);
    const { name: job, project, labels } = this.#job;
    const used = new Set<string>();
    return files.map(({ output, ext }) => {
      const values = { job, project, labels, step, output, frame, ext };
      let name = formatOutputName(names.pattern, values, names.tail);
      // Outputs `z` and `Z`; two are rare, so that looking is enough.
      while (used.has(nameKey(name))) name = beforeExtension(name, '~');
      used.add(nameKey(name));
      return name;
    });
  }
}

/** Steps whose names could meet those of an earlier one get their own name in theirs, and where that is not enough a mark. */
function tellApart(
  job: NamedJob,
  steps: readonly NamedStep[],
  given: string | undefined,
): Map<string, StepNames> {
  const shapes: NameShape[] = [];
  return new Map(
    steps.map(({ name, pattern: own }, index) => {
      const pattern = parseOutputPattern(given ?? own);
      for (let turn = 0; ; turn++) {
        const tail = tailOf(name, index, turn);
        const shape = nameShape(pattern, { ...valuesOf(job), step: name }, tail);
        if (shapes.some((earlier) => shapesOverlap(earlier, shape))) continue;
        shapes.push(shape);
        return [name, { pattern, tail }];
      }
    }),
  );
}

function tailOf(step: string, index: number, turn: number): string {
  if (turn === 0) return '';
  return turn === 1 ? `~${step}` : `${'~'.repeat(turn)}${index + 1}`;
}

const valuesOf = ({ name, project, labels }: NamedJob) => ({ job: name, project, labels });

/** @throws InvalidInputError */
function assertTellsApart(pattern: OutputPattern, steps: readonly NamedStep[]): void {
  const frames = Math.max(0, ...steps.map((step) => step.frames));
  let expected = patternCollision(pattern, { frames, othersWithSamePattern: false });
  if (expected === undefined && steps.length > 1 && !patternUses(pattern, 'step'))
    expected = 'a pattern with {step}, because files of several steps are named, or one step';
  if (expected === undefined) return;
  throw new InvalidInputError('The request', [
    { path: 'pattern', value: describeValue(pattern.text), expected },
  ]);
}
