import { describe, expect, it } from 'vitest';
import { qualityPolicySchema } from '../contracts/quality.ts';
import { CompiledPolicy } from './policy.ts';

const blank = { name: 'blank', verdict: 'fail', threshold: 0 } as const;
const intended = (...frames: string[]) => ({
  intended: frames.map((range) => ({ frames: range, checks: ['blank' as const] })),
});

describe('frames that look so on purpose', () => {
  it('are found in ranges of every kind', () => {
    const policy = new CompiledPolicy(intended('1-10x3', '20-30y2', '50-40:4', '-3'));
    const spared = [1, 2, 4, 20, 21, 22, 29, 45, 39, -3, 3].filter((frame) => !policy.rule(blank, frame));
    expect(spared).toEqual([1, 4, 21, 29, 45, -3]);
  });

  it('cost nothing, however many numbers a hundred ranges name', () => {
    const ranges = Array.from({ length: 100 }, (_, n) => `${n + 1}-10000000:7`);
    const begun = performance.now();
    const policy = new CompiledPolicy(qualityPolicySchema.parse(intended(...ranges)));
    expect(policy.rule(blank, 5_000_000)).toBeNull();
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect(qualityPolicySchema.safeParse(intended('1-10000000y3')).error?.issues[0]?.message).toBe(
      'a frame range such as 1-24,90, of at most 200 pieces',
    );
  });
});
