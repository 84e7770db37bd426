import { describe, expect, it } from 'vitest';
import { group, needs } from '../../../test/support/snapshots.ts';
import { fits, slotsNeeded } from './fitting.ts';

const big = group({ slots: 12, coresPerSlot: 1.33, memoryBytesPerSlot: 4e9, gpus: 2 });

describe('slotsNeeded', () => {
  it.each([
    ['nothing said', needs(), 1],
    ['cores of one slot', needs({ cores: 1 }), 1],
    ['cores of several slots, as a lane is sized', needs({ cores: 4 }), 4],
    ['more than a power of two', needs({ cores: 6 }), 8],
    ['all cores, by number', needs({ cores: 16 }), 12],
    ['all cores, by name', needs({ cores: 'all' }), 12],
    ['more cores than there are', needs({ cores: 17 }), null],
    ['memory of one slot', needs({ memoryBytes: 4e9 }), 1],
    ['memory of three slots', needs({ memoryBytes: 12e9 }), 4],
    ['more memory than there is', needs({ memoryBytes: 49e9 }), null],
    ['one of two GPUs is half of the worker', needs({ gpus: 1 }), 8],
    ['both GPUs', needs({ gpus: 2 }), 12],
    ['more GPUs than there are', needs({ gpus: 3 }), null],
    ['the largest of all shares', needs({ cores: 2, memoryBytes: 20e9 }), 8],
  ])('%s', (_, wanted, slots) => {
    expect(slotsNeeded(wanted, big)).toBe(slots);
  });

  it('takes a worker of one slot whole, whatever it is asked for', () => {
    const small = group({ slots: 1, coresPerSlot: 8, memoryBytesPerSlot: 32e9, gpus: 1 });
    expect(slotsNeeded(needs({ cores: 8, gpus: 1, memoryBytes: 32e9 }), small)).toBe(1);
  });

  it('promises no memory of a worker that does not say what it has', () => {
    const silent = group({ memoryBytesPerSlot: 0 });
    expect(slotsNeeded(needs({ memoryBytes: 1 }), silent)).toBeNull();
    expect(slotsNeeded(needs(), silent)).toBe(1);
  });
});

describe('fits', () => {
  const there = group({
    site: 'attic',
    tags: new Set(['fast', 'vfx']),
    engines: new Map([['blender', '4.2.3']]),
  });
  const blender = (changes: Parameters<typeof needs>[0] = {}) =>
    needs({ engine: 'blender', engineVersion: null, ...changes });

  it.each([
    ['the engine in any version', blender(), true],
    ['another engine', needs(), false],
    ['the exact version', blender({ engineVersion: '4.2.3' }), true],
    [
      'another exact version, though the range would allow it',
      blender({ engineVersion: '4.2.2', versionRange: '>=4' }),
      false,
    ],
    ['a range', blender({ versionRange: '>=4.2 <5' }), true],
    ['a range without it', blender({ versionRange: '>=5' }), false],
    ['some of its tags', blender({ tags: ['vfx'] }), true],
    ['a tag that it has not', blender({ tags: ['vfx', 'windows'] }), false],
    ['its site', blender({ site: 'attic' }), true],
    ['another site', blender({ site: 'cellar' }), false],
    ['a preferred site is no requirement', blender({ preferSite: 'cellar' }), true],
    ['too many cores', blender({ cores: 64 }), false],
  ])('%s', (_, wanted, result) => {
    expect(fits(wanted, there)).toBe(result);
  });
});
