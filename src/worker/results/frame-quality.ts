import type { FrameResult } from '../../shared/contracts/messages.ts';
import type { FrameQuality } from '../../shared/contracts/quality.ts';
import type { Judged } from '../../shared/quality/judge.ts';
import { verdictOf } from '../../shared/quality/verdict.ts';

/** More findings than these are not sent with a frame. */
const MAX_FINDINGS = 32;

/** What was seen in one output of a frame. */
export interface OutputLook {
  name: string;
  judged: Judged;
  thumbnail: string | null;
}

/**
 * What is said of a frame: the measures of its main output, and the findings of all of them. Null for a frame without files.
 * @param looks the main output's first
 */
export function qualityOf(looks: readonly OutputLook[]): FrameQuality | null {
  const [main, ...others] = looks;
  if (!main) return null;
  const findings = [
    ...main.judged.findings,
    ...others.flatMap(({ name, judged }) => judged.findings.map((finding) => ({ ...finding, output: name }))),
  ];
  return {
    verdict: verdictOf(findings),
    findings: findings.slice(0, MAX_FINDINGS),
    measures: main.judged.measures,
    ...(main.thumbnail === null ? {} : { thumbnail: main.thumbnail }),
  };
}

/** A result as it is said a second time. */
export function withoutThumbnail(result: FrameResult): FrameResult {
  if (result.quality?.thumbnail === undefined) return result;
  const { verdict, findings, measures } = result.quality;
  return { ...result, quality: { verdict, findings, measures } };
}
