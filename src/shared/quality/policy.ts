import { parseFrameSelection, type FrameRun } from '../domain/frame-ranges.ts';
import { parseStretches, type Stretch } from '../domain/stretches.ts';
import type { Check, CheckVerdict, QualityPolicy } from '../contracts/quality.ts';

/** What a check does by itself, where no policy says otherwise. */
export interface CheckDefaults {
  name: Check;
  verdict: CheckVerdict;
  threshold: number | null;
}

/** How one check counts for one frame. */
export interface Rule {
  verdict: Exclude<CheckVerdict, 'off'>;
  threshold: number | null;
}

/** A policy as checks ask it. */
export class CompiledPolicy {
  readonly #policy: QualityPolicy;
  readonly #intended: {
    runs: readonly FrameRun[];
    stretches: readonly Stretch[];
    checks: ReadonlySet<Check>;
  }[];

  constructor(policy: QualityPolicy = {}) {
    this.#policy = policy;
    this.#intended = (policy.intended ?? []).map(({ frames, seconds, checks }) => ({
      runs: frames === undefined ? [] : parseFrameSelection(frames),
      stretches: seconds === undefined ? [] : (parseStretches(seconds) ?? []),
      checks: new Set(checks),
    }));
  }

  /** Only files that cannot be read are told of. */
  get isOff(): boolean {
    return this.#policy.mode === 'off';
  }

  /**
   * @param frame null where the file is no frame of a sequence
   * @returns null when the check is off, or the frame looks so on purpose
   */
  rule({ name, verdict, threshold }: CheckDefaults, frame: number | null): Rule | null {
    const set = this.#policy.checks?.[name];
    const wanted = set?.verdict ?? verdict;
    if (wanted === 'off' || this.isOff || this.#isIntended(name, frame)) return null;
    return { verdict: wanted, threshold: set?.threshold ?? threshold };
  }

  /** Seconds of a video of which the check is to say nothing. */
  intendedSeconds(check: Check): Stretch[] {
    return this.#intended.flatMap(({ checks, stretches }) => (checks.has(check) ? stretches : []));
  }

  #isIntended(check: Check, frame: number | null): boolean {
    if (frame === null) return false;
    return this.#intended.some(
      ({ runs, checks }) => checks.has(check) && runs.some((run) => isIn(run, frame)),
    );
  }
}

function isIn({ start, step, count }: FrameRun, frame: number): boolean {
  const place = step === 0 ? 0 : (frame - start) / step;
  return Number.isInteger(place) && place >= 0 && place < count && start + place * step === frame;
}
