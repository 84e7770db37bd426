import { describe, expect, it } from 'vitest';
import { CrashRecord, IDLE_MS, mustRecycle, RECYCLE_FRAMES, sessionsToClose } from './session-policy.ts';

const GIB = 1_073_741_824;

describe('mustRecycle', () => {
  it('renews a session after its frames or when its memory has grown', () => {
    const fresh = { frames: 1, memoryBytes: GIB, baselineBytes: GIB };
    expect(mustRecycle(fresh)).toBe(false);
    expect(mustRecycle({ ...fresh, frames: RECYCLE_FRAMES })).toBe(true);
    expect(mustRecycle({ ...fresh, memoryBytes: 2 * GIB })).toBe(true);
    expect(mustRecycle({ ...fresh, memoryBytes: 1.4 * GIB })).toBe(false);
  });

  it('does not mind small sessions growing by a little, or a first frame', () => {
    expect(mustRecycle({ frames: 5, memoryBytes: 120e6, baselineBytes: 50e6 })).toBe(false);
    expect(mustRecycle({ frames: 0, memoryBytes: 9 * GIB, baselineBytes: undefined })).toBe(false);
  });
});

describe('sessionsToClose', () => {
  const idle = [
    { name: 'old', lastUsedMs: 1_000, memoryBytes: GIB },
    { name: 'new', lastUsedMs: 3_000, memoryBytes: GIB },
    { name: 'mid', lastUsedMs: 2_000, memoryBytes: GIB },
  ];
  const names = (busy: number, maxSessions: number, maxBytes: number, now = 4_000): string[] =>
    sessionsToClose(idle, { busy, busyBytes: busy * GIB, maxSessions, maxBytes }, now).map((s) => s.name);

  it('keeps all inside the budget', () => {
    expect(names(0, 3, 3 * GIB)).toEqual([]);
  });

  it('closes the least recently used beyond the number, busy ones counted', () => {
    expect(names(1, 3, 99 * GIB)).toEqual(['old']);
    expect(names(3, 3, 99 * GIB)).toEqual(['new', 'mid', 'old']);
  });

  it('closes the least recently used beyond the memory', () => {
    expect(names(1, 9, 2.5 * GIB)).toEqual(['mid', 'old']);
  });

  it('closes what nobody used for ten minutes', () => {
    expect(names(0, 9, 99 * GIB, 1_500 + IDLE_MS)).toEqual(['old']);
  });
});

describe('CrashRecord', () => {
  it('goes cold on a scene after two crashes, and only on that one', () => {
    const record = new CrashRecord();
    record.add('a');
    expect(record.isCold('a')).toBe(false);
    record.add('a');
    expect(record.isCold('a')).toBe(true);
    expect(record.isCold('b')).toBe(false);
  });
});
