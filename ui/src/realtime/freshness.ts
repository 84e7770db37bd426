/** How far what the page shows can be trusted. */
export type Freshness =
  { kind: 'live' } | { kind: 'catching-up' } | { kind: 'stale'; seconds: number } | { kind: 'offline' };

export interface FreshnessFacts {
  connected: boolean;
  /** Rooms that have been asked for and have not answered. */
  joining: number;
  /** How long ago the gateway proved that it lives and hears the farm; null: never. */
  proofAgeMs: number | null;
  /** What the browser says about its network. */
  online: boolean;
}

/** Proof is asked for every 4 s; after this long without any the page no longer claims to be live. */
export const PROOF_MS = 9_000;
/** After a minute without the farm "stale" would be too kind a word. */
const OFFLINE_MS = 60_000;

/** The truth for the status pill. It says Live only when connected, joined and proven within the last seconds. */
export function judgeFreshness(facts: FreshnessFacts): Freshness {
  const { connected, joining, proofAgeMs: age, online } = facts;
  if (!online) return { kind: 'offline' };
  if (age === null) return connected ? { kind: 'catching-up' } : { kind: 'offline' };
  if (!connected && age > OFFLINE_MS) return { kind: 'offline' };
  if (!connected || age > PROOF_MS) return { kind: 'stale', seconds: Math.floor(age / 1_000) };
  return joining > 0 ? { kind: 'catching-up' } : { kind: 'live' };
}
