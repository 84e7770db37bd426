import { expect, it } from 'vitest';
import { BadTokenLimiter } from './bad-token-limiter.ts';

it('lets an address show a few wrong tokens a minute, and says how long to wait after that', () => {
  let now = 1_000_000;
  const limiter = new BadTokenLimiter(2, () => now);
  expect(limiter.wrongToken('a')).toBe(0);
  now += 10_000;
  expect(limiter.wrongToken('a')).toBe(0);
  expect(limiter.wrongToken('a')).toBe(50);
  expect(limiter.wrongToken('b')).toBe(0);
  now += 50_000;
  expect(limiter.wrongToken('a')).toBe(0);
});
