import { expect, it } from 'vitest';
import { nextRate, playbackRate } from './shuttle.ts';

const after = (...keys: ('j' | 'k' | 'l')[]): number => keys.reduce(nextRate, 0);

it('plays both ways, faster with each press, and turns round at the usual speed', () => {
  expect(after('l')).toBe(1);
  expect(after('l', 'l', 'l')).toBe(4);
  expect(after('l', 'l', 'l', 'l', 'l', 'l')).toBe(8);
  expect(after('l', 'l', 'j')).toBe(-1);
  expect(after('j', 'j')).toBe(-2);
  expect(after('j', 'l', 'k')).toBe(0);
});

it('plays at the pictures a second that were chosen, as fast as browsers can', () => {
  expect(playbackRate(1, 12, 24)).toBe(0.5);
  expect(playbackRate(-2, 60, 24)).toBe(-5);
  expect(playbackRate(8, 60, 24)).toBe(16);
});
