import { describe, expect, it } from 'vitest';
import { shareOf, type WorkerSettings } from './settings.ts';

describe('what a task of some slots may use', () => {
  // Three slots of ten cores: one core is left over.
  const settings = {
    slots: 3,
    cores: 10,
    threadsPerSlot: 3,
    memoryBytesPerSlot: 4e9,
  } as Partial<WorkerSettings>;
  const share = (slots: number) => shareOf(settings as WorkerSettings, slots);

  it('is as many times the share of one slot', () => {
    expect(share(1)).toEqual({ slots: 1, threads: 3, memoryLimitBytes: 4e9 });
    expect(share(2)).toEqual({ slots: 2, threads: 6, memoryLimitBytes: 8e9 });
  });

  it('is all cores for a task of all slots, and no more than there is for one of more', () => {
    expect(share(3)).toEqual({ slots: 3, threads: 10, memoryLimitBytes: 12e9 });
    expect(share(8)).toEqual(share(3));
  });
});
