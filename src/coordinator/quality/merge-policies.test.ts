import { describe, expect, it } from 'vitest';
import { mergePolicies } from './merge-policies.ts';

describe('merging policies', () => {
  it('lets the later one win field by field, of checks, too', () => {
    expect(
      mergePolicies(
        { mode: 'gate', checks: { blank: { verdict: 'fail', threshold: 2 }, size: { verdict: 'off' } } },
        undefined,
        { rerenders: 3, checks: { blank: { verdict: 'hold' } } },
        { mode: 'warn' },
      ),
    ).toEqual({
      mode: 'warn',
      rerenders: 3,
      checks: { blank: { verdict: 'hold', threshold: 2 }, size: { verdict: 'off' } },
    });
  });
});
