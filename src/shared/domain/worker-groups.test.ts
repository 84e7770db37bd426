import { describe, expect, it } from 'vitest';
import { isId } from './ids.ts';
import { laneId, workerGroup } from './worker-groups.ts';

const lottie = { id: 'lottie', version: '0.42.0', features: ['b', 'a'] };
const povray = { id: 'povray', version: '3.7', features: [] };

describe('worker groups', () => {
  it('does not depend on the order in which engines and features are named', () => {
    expect(workerGroup([povray, { ...lottie, features: ['a', 'b'] }])).toBe(workerGroup([lottie, povray]));
  });

  it('differs by version and features', () => {
    expect(workerGroup([{ ...lottie, version: '0.43.0' }])).not.toBe(workerGroup([lottie]));
    expect(workerGroup([{ ...lottie, features: [] }])).not.toBe(workerGroup([lottie]));
  });

  it('is an id however many engines there are', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ id: `engine${i}`, version: '1', features: [] }));
    expect(isId(laneId(workerGroup(many), 4096))).toBe(true);
    expect(isId(laneId(workerGroup([]), 1))).toBe(true);
  });
});
