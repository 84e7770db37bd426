import type { Frame } from '../../../../src/shared/contracts/api.ts';
import type { FrameQualityPage } from '../../../../src/shared/contracts/quality-api.ts';
import type { VerdictMark } from './verdict-grid.ts';
import { decisionText } from '../quality/verdict-text.ts';

/** One of the results that were made of a frame. */
export interface FrameResult {
  id: string;
  /** `Attempt 2`, or `Now`. */
  name: string;
  worker: string | null;
  verdict: VerdictMark;
  findings: string[];
  /** What became of it. */
  decision: string;
  /** Another worker's result looks otherwise. */
  differs: string;
  url: string | null;
}

/**
 * A frame's results, oldest first. The one that the frame has now is last; it is among those that something was decided about
 * only where that was the case.
 * @param current a picture of the result that the frame has now; null where it has none
 */
export function frameResults(
  quality: FrameQualityPage,
  frame: Frame | undefined,
  current: string | null,
): FrameResult[] {
  const key = frame?.key ?? null;
  const results = quality.attempts.map((attempt, index): FrameResult => {
    const isNow = key !== null && attempt.key === key;
    return {
      id: `${attempt.generation}-${index}`,
      name: isNow ? 'Now' : `Result ${index + 1}`,
      worker: attempt.worker,
      verdict: attempt.verdict ?? 'none',
      findings: attempt.findings.map(({ message }) => message),
      decision: decisionText(attempt),
      differs: attempt.differs
        ? `${attempt.differs.worker} made it otherwise: they differ by ${Math.round(attempt.differs.difference * 100)} % where they differ most.`
        : '',
      url: attempt.url,
    };
  });
  if (frame === undefined || key === null || results.some(({ name }) => name === 'Now')) return results;
  return [
    ...results,
    {
      id: 'now',
      name: 'Now',
      worker: frame.worker,
      verdict: quality.verdict ?? 'none',
      findings: quality.findings.map(({ message }) => message),
      decision: '',
      differs: '',
      url: current,
    },
  ];
}
