import type { Finding, FrameQuality, QualityPolicy, Verdict } from '../../shared/contracts/quality.ts';
import type { Decision } from '../../shared/database/quality-tables.ts';

/** How often a failed frame is rendered again before a person is asked, where nothing is said. */
const DEFAULT_RERENDERS = 1;
/** Findings that a frame keeps, the farm's own included. */
export const MAX_FINDINGS = 40;

/** A result of the same frame that came before. */
export interface EarlierResult {
  key: string;
  generation: number;
  worker: string | null;
  attempt: string | null;
  verdict: Verdict | null;
  /** SHA-256 of its pixels; null: it was not decoded. */
  pixels: string | null;
  decision: Decision | null;
}

/** What becomes of a frame by its result. */
export interface Judgement {
  /** `ready`: it is rendered again. */
  becomes: 'done' | 'ready' | 'held';
  verdict: Verdict;
  findings: Finding[];
  decision: Extract<Decision, 'rendered-again' | 'held' | 'settled'> | null;
}

const WORST: readonly Verdict[] = ['pass', 'unchecked', 'warn', 'fail', 'hold'];
const worseOf = (a: Verdict, b: Verdict): Verdict => (WORST.indexOf(b) > WORST.indexOf(a) ? b : a);
export const worstOf = (findings: readonly Finding[], verdict: Verdict = 'pass'): Verdict =>
  findings.reduce<Verdict>((worst, finding) => worseOf(worst, finding.verdict), verdict);

export const isGood = (verdict: Verdict | null): boolean => verdict !== 'fail' && verdict !== 'hold';

/**
 * Decides what becomes of a frame. Pure. What fails is rendered again, so often as the policy says, and then waits for a
 * person. The same pixels a second time are how the scene looks: said, and never rendered a third time.
 * @param before what came of the frame before, oldest first.
 */
export function judgeResult(
  quality: FrameQuality,
  policy: QualityPolicy,
  { worker, generation }: { worker: string; generation: number },
  before: readonly EarlierResult[],
): Judgement {
  const verdict = worstOf(quality.findings, quality.verdict);
  const { findings } = quality;
  const pixels = quality.measures?.pixels ?? null;
  if (isGood(verdict)) return { becomes: 'done', verdict, findings, decision: null };
  if (policy.mode !== 'gate') return asWarning(findings, null);
  const same = pixels === null ? [] : before.filter((earlier) => earlier.pixels === pixels);
  const taken = same.find(({ decision }) => decision === 'accepted');
  if (taken)
    return asWarning([...findings, said(findings, 'A person has accepted the same picture before.')], null);
  const settled = same.find(({ decision }) => verdict === 'fail' || decision === 'settled');
  if (settled) return asWarning([...findings, said(findings, sameLook(settled.worker, worker))], 'settled');
  if (verdict === 'hold') return { becomes: 'held', verdict, findings, decision: 'held' };
  const often = renderedAgain(generation, before);
  if (often < (policy.rerenders ?? DEFAULT_RERENDERS))
    return { becomes: 'ready', verdict, findings, decision: 'rendered-again' };
  return { becomes: 'held', verdict, findings, decision: 'held' };
}

/** How often in a row the farm itself has asked for it again. What a person asks for, or what is made of other frames, begins anew. */
function renderedAgain(generation: number, before: readonly EarlierResult[]): number {
  let often = 0;
  for (const earlier of before.toReversed()) {
    if (earlier.generation !== generation - 1 - often || earlier.decision !== 'rendered-again') break;
    often++;
  }
  return often;
}

/** Findings that stop nothing. */
export function asWarning(findings: readonly Finding[], decision: Judgement['decision']): Judgement {
  const softened = findings.map((finding) =>
    isGood(finding.verdict) ? finding : { ...finding, verdict: 'warn' as const },
  );
  return { becomes: 'done', verdict: 'warn', findings: softened.slice(-MAX_FINDINGS), decision };
}

/** A finding of the farm beside the one that it is about. */
function said(findings: readonly Finding[], message: string): Finding {
  const about = findings.find((finding) => !isGood(finding.verdict));
  return { check: about?.check ?? 'unreadable', verdict: 'warn', message, value: null, threshold: null };
}

export function sameLook(first: string | null, second: string): string {
  const who =
    first === null || first === second
      ? `Worker ${second} made the same pixels again`
      : `Worker ${second} made the same pixels as ${first}`;
  return `${who}: this is how the scene looks, and it is not rendered a third time.`;
}

/** The sentence that people read of a frame that waits for them. */
export function holdText(findings: readonly Finding[]): string {
  const worst = worstOf(findings);
  const about = findings.find(({ verdict }) => verdict === worst);
  return about ? `Waits for a decision: ${about.message}` : 'Waits for a decision: its checks did not pass.';
}
