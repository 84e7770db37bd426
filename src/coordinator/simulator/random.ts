import type { Distribution } from './trace.ts';

/** A number in [0, 1) that the seed and the places alone decide: the same however the farm is run. */
export function chanceAt(seed: number, ...places: number[]): number {
  let hash = seed >>> 0;
  for (const place of places) {
    hash = Math.imul(hash ^ (place >>> 0), 0x9e37_79b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 0x1_0000_0000;
}

/** A value of a distribution, by two independent chances. */
export function drawSeconds(distribution: Distribution, a: number, b: number): number {
  switch (distribution.kind) {
    case 'fixed':
      return distribution.seconds;
    case 'uniform':
      return distribution.from + (distribution.to - distribution.from) * a;
    case 'exponential':
      return -Math.log(1 - a) * distribution.mean;
    case 'lognormal': {
      const normal = Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b);
      return distribution.median * Math.exp(distribution.sigma * normal);
    }
  }
}
