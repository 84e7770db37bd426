import type { CheckDefaults, CompiledPolicy } from '../policy.ts';
import type { Found } from '../checks/check.ts';
import { consistencyChecks, findUnlike, type Common } from './consistent.ts';
import { duplicateCheck, findDuplicate } from './duplicate.ts';
import { isExplainedBlank } from './explained-blank.ts';
import { findOutlier, outlierCheck } from './outlier.ts';
import type { Around, SequenceFinding, SequenceFrame } from './sequence-frame.ts';

/** Frames on each side that a check may look at. */
const REACH = 4;

const NEIGHBOUR_CHECKS: readonly [
  CheckDefaults,
  (frame: SequenceFrame, around: Around, threshold: number | null) => Found | null,
][] = [
  [duplicateCheck, findDuplicate],
  [outlierCheck, findOutlier],
];

/**
 * Looks at a step's frames together, one after another in the order of their numbers. It keeps only a few of them, so a
 * sequence may be as long as it likes and come in slices.
 */
export class SequenceChecker {
  readonly #policy: CompiledPolicy;
  readonly #common: Common | null;
  /** The frame in the middle is the next to be judged, once as many are behind it as are looked at. */
  readonly #before: SequenceFrame[] = [];
  readonly #waiting: SequenceFrame[] = [];
  /** Blank frames that belong to what is around them, a fade for instance: nothing need be said of them. */
  readonly explainedBlanks: number[] = [];

  /** @param common what most frames are like, where they differ (`CommonCounter`) */
  constructor(policy: CompiledPolicy, common: Common | null = null) {
    this.#policy = policy;
    this.#common = common;
  }

  /** @returns what is to be said of frames that have now been judged: this one, or some before it */
  add(frame: SequenceFrame): SequenceFinding[] {
    this.#waiting.push(frame);
    return this.#waiting.length > REACH ? this.#judgeNext() : [];
  }

  /** Judges the last ones. */
  finish(): SequenceFinding[] {
    const findings: SequenceFinding[] = [];
    while (this.#waiting.length > 0) findings.push(...this.#judgeNext());
    return findings;
  }

  #judgeNext(): SequenceFinding[] {
    const frame = this.#waiting.shift();
    if (!frame) return [];
    const around = { before: this.#before, after: this.#waiting };
    const common = this.#common;
    if (frame.isBlank === true && isExplainedBlank(frame, around)) this.explainedBlanks.push(frame.number);
    const findings = [
      ...consistencyChecks.flatMap((check) =>
        common === null ? [] : this.#findingOf(check, frame, () => findUnlike(check.name, frame, common)),
      ),
      ...NEIGHBOUR_CHECKS.flatMap(([check, find]) =>
        this.#findingOf(check, frame, (threshold) => find(frame, around, threshold)),
      ),
    ];
    this.#before.unshift(frame);
    this.#before.length = Math.min(this.#before.length, REACH);
    return findings;
  }

  #findingOf(
    check: CheckDefaults,
    { number }: SequenceFrame,
    find: (threshold: number | null) => Found | null,
  ): SequenceFinding[] {
    const rule = this.#policy.rule(check, number);
    const found = rule && find(rule.threshold);
    if (!rule || !found) return [];
    const { verdict, threshold } = rule;
    return [{ frame: number, finding: { check: check.name, verdict, ...found, threshold } }];
  }
}
