import { describe, expect, it } from 'vitest';
import { judgeFreshness } from './freshness.ts';

const live = { connected: true, joining: 0, provenAtMs: 100_000, online: true, nowMs: 101_000 };

describe('judgeFreshness', () => {
  it('says live only when connected, joined and proven', () => {
    expect(judgeFreshness(live)).toEqual({ kind: 'live' });
    expect(judgeFreshness({ ...live, joining: 1 })).toEqual({ kind: 'catching-up' });
    expect(judgeFreshness({ ...live, provenAtMs: null })).toEqual({ kind: 'catching-up' });
  });

  it('counts the seconds since the last proof, connected or not', () => {
    expect(judgeFreshness({ ...live, nowMs: 112_400 })).toEqual({ kind: 'stale', seconds: 12 });
    expect(judgeFreshness({ ...live, connected: false, nowMs: 103_000 })).toEqual({
      kind: 'stale',
      seconds: 3,
    });
  });

  it('is offline without network, before any contact and after a minute without the farm', () => {
    expect(judgeFreshness({ ...live, online: false })).toEqual({ kind: 'offline' });
    expect(judgeFreshness({ ...live, connected: false, provenAtMs: null })).toEqual({ kind: 'offline' });
    expect(judgeFreshness({ ...live, connected: false, nowMs: 161_000 })).toEqual({ kind: 'offline' });
  });
});
