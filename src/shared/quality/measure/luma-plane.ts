import type { Integers, PictureShape } from './picture-sink.ts';

/** Rec. 709. */
const WEIGHTS = [0.2126, 0.7152, 0.0722];

/** Memory of the picture before, for the next one: much new memory outside of the heap makes V8 collect again and again. */
let spare: Float32Array | null = null;
const MOST_SPARE_PIXELS = 16_000_000;

/** How bright each pixel of a picture is. */
export class LumaPlane {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
  readonly #channels: number;
  readonly #colours: number;

  constructor({ width, height, channels, alpha }: PictureShape) {
    this.width = width;
    this.height = height;
    this.#channels = channels;
    this.#colours = alpha ? channels - 1 : channels;
    const pixels = width * height;
    this.values = spare && spare.length >= pixels ? spare : new Float32Array(pixels);
    spare = null;
    this.values.fill(0, 0, pixels);
  }

  line(x: number, y: number, channels: readonly Float32Array[], length: number): void {
    const { values, width } = this;
    const start = y * width + x;
    const [red, green, blue] = channels;
    if (!red) return;
    if (this.#colours < 3 || !green || !blue) {
      for (let i = 0; i < length; i++) values[start + i] = red[i] ?? 0;
      return;
    }
    const [wr, wg, wb] = WEIGHTS as [number, number, number];
    for (let i = 0; i < length; i++)
      values[start + i] = wr * (red[i] ?? 0) + wg * (green[i] ?? 0) + wb * (blue[i] ?? 0);
  }

  /** A whole line, all channels of a pixel side by side. */
  integerLine(y: number, samples: Integers): void {
    const { values, width } = this;
    const channels = this.#channels;
    const [wr, wg, wb] = WEIGHTS as [number, number, number];
    const end = (y + 1) * width;
    if (this.#colours < 3)
      for (let at = y * width, from = 0; at < end; at++, from += channels) values[at] = samples[from] ?? 0;
    else
      for (let at = y * width, from = 0; at < end; at++, from += channels)
        values[at] =
          wr * (samples[from] ?? 0) + wg * (samples[from + 1] ?? 0) + wb * (samples[from + 2] ?? 0);
  }

  /** The plane may not be used any more. */
  release(): void {
    if (this.values.length <= MOST_SPARE_PIXELS) spare = this.values;
  }
}
