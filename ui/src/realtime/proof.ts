/** When the farm last proved that it is heard, by both of the browser's clocks. */
export interface Proof {
  wallMs: number;
  steadyMs: number;
}

export const timeNow = (): Proof => ({ wallMs: Date.now(), steadyMs: performance.now() });

/** The larger age counts: the steady clock stands still while the machine sleeps, the other one may be set back. */
export function ageMs(proof: Proof, now: Proof): number {
  return Math.max(0, now.wallMs - proof.wallMs, now.steadyMs - proof.steadyMs);
}
