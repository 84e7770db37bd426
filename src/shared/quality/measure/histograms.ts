import type { Integers } from './picture-sink.ts';

/** What is known of the samples of one channel. */
export interface Range {
  min: number;
  max: number;
  sum: number;
  /** Of samples that are numbers. */
  count: number;
}

/** How often each integer occurs in each channel: counting is several times as fast as comparing each sample. */
export class Histograms {
  readonly #counts: readonly Uint32Array[];

  /** @param white the largest integer */
  constructor(channels: number, white: number) {
    this.#counts = Array.from({ length: channels }, () => new Uint32Array(white + 1));
  }

  /** A whole line, all channels of a pixel side by side. */
  line(samples: Integers): void {
    const { length } = samples;
    const step = this.#counts.length;
    for (let channel = 0; channel < step; channel++) {
      const counts = this.#counts[channel];
      if (!counts) continue;
      for (let at = channel; at < length; at += step) {
        const value = samples[at] ?? 0;
        counts[value] = (counts[value] ?? 0) + 1;
      }
    }
  }

  ranges(): Range[] {
    return this.#counts.map((counts) => {
      const range: Range = { min: Infinity, max: -Infinity, sum: 0, count: 0 };
      for (const [value, count] of counts.entries()) {
        if (count === 0) continue;
        range.min = Math.min(range.min, value);
        range.max = value;
        range.sum += value * count;
        range.count += count;
      }
      return range;
    });
  }
}
