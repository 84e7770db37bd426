import { describe, expect, it } from 'vitest';
import { judgeFreshness } from './freshness.ts';
import { ageMs } from './proof.ts';

const live = { connected: true, joining: 0, proofAgeMs: 1_000, online: true };

describe('judgeFreshness', () => {
  it('says live only when connected, joined and proven', () => {
    expect(judgeFreshness(live)).toEqual({ kind: 'live' });
    expect(judgeFreshness({ ...live, joining: 1 })).toEqual({ kind: 'catching-up' });
    expect(judgeFreshness({ ...live, proofAgeMs: null })).toEqual({ kind: 'catching-up' });
  });

  it('counts the seconds since the last proof, connected or not', () => {
    expect(judgeFreshness({ ...live, proofAgeMs: 12_400 })).toEqual({ kind: 'stale', seconds: 12 });
    expect(judgeFreshness({ ...live, connected: false, proofAgeMs: 3_000 })).toEqual({
      kind: 'stale',
      seconds: 3,
    });
  });

  it('ages by the clock that moved more', () => {
    const proof = { wallMs: 100_000, steadyMs: 5_000 };
    expect(ageMs(proof, { wallMs: 103_000, steadyMs: 8_000 })).toBe(3_000);
    expect(ageMs(proof, { wallMs: 700_000, steadyMs: 5_100 })).toBe(600_000); // slept
    expect(ageMs(proof, { wallMs: 10_000, steadyMs: 25_000 })).toBe(20_000); // set back
  });

  it('is offline without network, before any contact and after a minute without the farm', () => {
    expect(judgeFreshness({ ...live, online: false })).toEqual({ kind: 'offline' });
    expect(judgeFreshness({ ...live, connected: false, proofAgeMs: null })).toEqual({ kind: 'offline' });
    expect(judgeFreshness({ ...live, connected: false, proofAgeMs: 61_000 })).toEqual({ kind: 'offline' });
  });
});
