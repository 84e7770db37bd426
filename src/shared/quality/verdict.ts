import type { Finding, Verdict } from '../contracts/quality.ts';

const ORDER: readonly Verdict[] = ['pass', 'unchecked', 'warn', 'fail', 'hold'];

/** The gravest of what was found; `pass` for nothing. */
export function verdictOf(findings: readonly Pick<Finding, 'verdict'>[]): Verdict {
  return findings.reduce<Verdict>(
    (worst, { verdict }) => (ORDER.indexOf(verdict) > ORDER.indexOf(worst) ? verdict : worst),
    'pass',
  );
}
