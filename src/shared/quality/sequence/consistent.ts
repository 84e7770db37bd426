import type { Check, Measures } from '../../contracts/quality.ts';
import type { Found } from '../checks/check.ts';
import type { CheckDefaults } from '../policy.ts';
import type { SequenceFrame } from './sequence-frame.ts';

/** What all frames of a sequence have in common: the size, the number of channels and their depth of most of them. */
export type Common = Pick<Measures, 'width' | 'height' | 'channels' | 'depth'>;

export const consistencyChecks: readonly CheckDefaults[] = [
  { name: 'size', verdict: 'fail', threshold: null },
  { name: 'depth', verdict: 'warn', threshold: null },
  { name: 'alpha', verdict: 'warn', threshold: null },
];

/** Counts what frames are like, so that what most of them are like is known in the end. */
export class CommonCounter {
  readonly #counts = new Map<string, { common: Common; count: number }>();

  add({ measures: { width, height, channels, depth } }: SequenceFrame): void {
    const key = `${width} ${height} ${channels} ${depth}`;
    const entry = this.#counts.get(key) ?? { common: { width, height, channels, depth }, count: 0 };
    entry.count++;
    this.#counts.set(key, entry);
  }

  /** Null where all frames are alike, or there are none. */
  most(): Common | null {
    if (this.#counts.size < 2) return null;
    return [...this.#counts.values()].reduce((a, b) => (b.count > a.count ? b : a)).common;
  }
}

/** Holds a frame against what most are like. `alpha` stands for the number of channels. */
export function findUnlike(check: Check, { measures }: SequenceFrame, common: Common): Found | null {
  const { width, height, channels, depth } = measures;
  if (check === 'size' && (width !== common.width || height !== common.height)) {
    const most = `${common.width} × ${common.height}`;
    return { message: `It is ${width} × ${height} pixels, most others are ${most}.`, value: null };
  }
  if (check === 'depth' && depth !== common.depth)
    return { message: `Its pixels are ${depth}, those of most others ${common.depth}.`, value: null };
  if (check === 'alpha' && channels !== common.channels)
    return { message: `It has ${channels} channels, most others ${common.channels}.`, value: channels };
  return null;
}
