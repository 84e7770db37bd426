import { describe, expect, it } from 'vitest';
import { isId } from './ids.ts';
import { laneId, memoryClass, workerGroup, workerLaneId, type GroupedWorker } from './worker-groups.ts';

const GIB = 1_073_741_824;
const lottie = { id: 'lottie', version: '0.42.0', features: ['b', 'a'] };
const povray = { id: 'povray', version: '3.7', features: [] };

const worker = (changes: Partial<GroupedWorker> = {}): GroupedWorker => ({
  engines: [lottie],
  slots: 4,
  cores: 16,
  memoryBytes: 64 * GIB,
  gpus: [],
  site: null,
  tags: [],
  ...changes,
});

describe('worker groups', () => {
  it('says in words what is in it', () => {
    expect(workerGroup(worker())).toMatch(/^lottie-4x4c16g-[0-9a-f]{8}$/);
    expect(workerGroup(worker({ gpus: [{ name: 'L4' }], site: 'berlin' }))).toMatch(
      /^lottie-4x4c16g-1gpu-berlin-[0-9a-f]{8}$/,
    );
  });

  it('does not depend on the order in which engines, features, tags and GPUs are named', () => {
    const one = worker({ engines: [povray, lottie], tags: ['a', 'b'], gpus: [{ name: 'x' }, { name: 'y' }] });
    const two = worker({
      engines: [{ ...lottie, features: ['a', 'b'] }, povray],
      tags: ['b', 'a'],
      gpus: [{ name: 'y' }, { name: 'x' }],
    });
    expect(workerGroup(one)).toBe(workerGroup(two));
  });

  it.each<[string, Partial<GroupedWorker>]>([
    ['version', { engines: [{ ...lottie, version: '0.43.0' }] }],
    ['features', { engines: [{ ...lottie, features: [] }] }],
    ['slots', { slots: 8 }],
    ['cores', { cores: 32 }],
    ['memory', { memoryBytes: 128 * GIB }],
    ['GPUs', { gpus: [{ name: 'L4' }] }],
    ['site', { site: 'berlin' }],
    ['tags', { tags: ['fast'] }],
  ])('differs by %s', (_, changes) => {
    expect(workerGroup(worker(changes))).not.toBe(workerGroup(worker()));
  });

  it('takes machines of one model together although their memory differs by some pages', () => {
    expect(workerGroup(worker({ memoryBytes: 62.71 * GIB }))).toBe(
      workerGroup(worker({ memoryBytes: 62.7 * GIB })),
    );
  });

  it('reckons with at least 15/16 of the memory, and never with more than there is', () => {
    for (const memoryBytes of [0, 1, 1_000, GIB, 3.9 * GIB, 62.7 * GIB, 1_024 * GIB]) {
      const reckoned = memoryClass({ memoryBytes, slots: 1 });
      expect(reckoned).toBeLessThanOrEqual(memoryBytes);
      expect(reckoned).toBeGreaterThanOrEqual(Math.floor((memoryBytes * 15) / 16));
    }
  });

  it('is an id however much there is to say', () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ id: `engine${i}`, version: '1', features: [] }));
    const gpus = Array.from({ length: 64 }, () => ({ name: 'x' }));
    const large = worker({ engines: many, slots: 4_096, cores: 4_096_000, gpus, site: 's'.repeat(64) });
    expect(isId(laneId(workerGroup(large), 4096))).toBe(true);
    expect(isId(laneId(workerGroup(worker({ engines: [] })), 1))).toBe(true);
  });
});

describe('lanes of one worker', () => {
  it('are ids of their own for every worker, however long its name', () => {
    const long = 'w'.repeat(63);
    const ids = ['w1', `${long}1`, `${long}2`].flatMap((id) => [
      workerLaneId('home', id),
      workerLaneId('big', id),
    ]);
    expect(ids.every(isId)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
