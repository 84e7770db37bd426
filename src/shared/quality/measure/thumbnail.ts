import { THUMBNAIL } from '../../contracts/quality.ts';
import type { PictureShape } from './picture-sink.ts';

const { width: WIDTH, height: HEIGHT } = THUMBNAIL;

/** Makes the small picture by which frames are compared: the mean of what lies in each of its pixels, over black. */
export class ThumbnailSums {
  readonly #shape: PictureShape;
  readonly #columns: Uint8Array;
  readonly #sums = new Float64Array(WIDTH * HEIGHT * 3);
  readonly #counts = new Uint32Array(WIDTH * HEIGHT);

  constructor(shape: PictureShape) {
    this.#shape = shape;
    this.#columns = Uint8Array.from({ length: shape.width }, (_, x) => Math.floor((x * WIDTH) / shape.width));
  }

  line(x: number, y: number, channels: readonly Float32Array[], length: number): void {
    const { height, alpha, premultiplied, white } = this.#shape;
    const row = Math.floor((y * HEIGHT) / height) * WIDTH;
    const columns = this.#columns;
    const weights = alpha && !premultiplied ? channels[channels.length - 1] : undefined;
    const colours = alpha ? channels.length - 1 : channels.length;
    for (const [colour, values] of channels.slice(0, Math.min(colours, 3)).entries()) {
      this.#add(values, weights, white ?? 1, { row, colour, x, length });
    }
    for (let i = 0; i < length; i++) {
      const cell = row + (columns[x + i] ?? 0);
      this.#counts[cell] = (this.#counts[cell] ?? 0) + 1;
    }
  }

  #add(
    values: Float32Array,
    weights: Float32Array | undefined,
    white: number,
    { row, colour, x, length }: { row: number; colour: number; x: number; length: number },
  ): void {
    const columns = this.#columns;
    const sums = this.#sums;
    let cell = -1;
    let sum = 0;
    for (let i = 0; i < length; i++) {
      const next = columns[x + i] ?? 0;
      if (next !== cell) {
        if (cell >= 0) sums[(row + cell) * 3 + colour] = (sums[(row + cell) * 3 + colour] ?? 0) + sum;
        cell = next;
        sum = 0;
      }
      const value = weights ? ((values[i] ?? 0) * (weights[i] ?? 0)) / white : (values[i] ?? 0);
      // What is no number is black, and no single light outshines all around it.
      if (value > 0) sum += value < white * 16 ? value : white * 16;
    }
    if (cell >= 0) sums[(row + cell) * 3 + colour] = (sums[(row + cell) * 3 + colour] ?? 0) + sum;
  }

  /** Red, green and blue of each pixel, as a screen shows them. */
  finish(): Uint8Array {
    const { white, channels, alpha } = this.#shape;
    const isGrey = channels - (alpha ? 1 : 0) < 3;
    const out = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        const cell = this.#filledCell(x, y);
        const count = this.#counts[cell] ?? 0;
        for (let colour = 0; colour < 3; colour++) {
          const sum = this.#sums[cell * 3 + (isGrey ? 0 : colour)] ?? 0;
          const mean = count === 0 ? 0 : sum / count;
          const shown = white === null ? screenValue(mean) : mean / white;
          out[(y * WIDTH + x) * 3 + colour] = Math.round(Math.min(1, shown) * 255);
        }
      }
    }
    return out;
  }

  /** A picture smaller than this one leaves pixels empty; the last one before them that is not fills them. */
  #filledCell(x: number, y: number): number {
    const { width, height } = this.#shape;
    const column = this.#columns[Math.floor((x * width) / WIDTH)] ?? 0;
    const row = Math.floor((Math.floor((y * height) / HEIGHT) * HEIGHT) / height);
    return this.#counts[y * WIDTH + x] === 0 ? row * WIDTH + column : y * WIDTH + x;
  }
}

/** The sRGB curve (IEC 61966-2-1), white and all that is brighter cut off. */
function screenValue(light: number): number {
  const value = Math.min(1, Math.max(0, light));
  return value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
}
