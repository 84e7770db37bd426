import { THUMBNAIL } from '../../contracts/quality.ts';
import type { Integers, PictureShape } from './picture-sink.ts';

const { width: WIDTH, height: HEIGHT } = THUMBNAIL;
/** Of linear light, where white is 1. */
const BRIGHTEST = 16;

/** Makes the small picture by which frames are compared: the mean of what lies in each of its pixels, over black. */
export class ThumbnailSums {
  readonly #shape: PictureShape;
  /** By column of this picture: the first one of the large picture in it, and where the last ends. */
  readonly #starts: Int32Array;
  readonly #sums = new Float64Array(WIDTH * HEIGHT * 3);
  readonly #counts = new Uint32Array(WIDTH * HEIGHT);

  constructor(shape: PictureShape) {
    this.#shape = shape;
    this.#starts = Int32Array.from({ length: WIDTH + 1 }, (_, x) => Math.ceil((x * shape.width) / WIDTH));
  }

  line(x: number, y: number, channels: readonly Float32Array[], length: number): void {
    const { height, alpha, premultiplied } = this.#shape;
    const row = Math.floor((y * HEIGHT) / height) * WIDTH;
    const weights = alpha && !premultiplied ? channels.at(-1) : undefined;
    const colours = channels.slice(0, Math.min(alpha ? channels.length - 1 : channels.length, 3));
    const counts = this.#counts;
    const sums = this.#sums;
    for (let column = 0; column < WIDTH; column++) {
      const from = Math.max(0, (this.#starts[column] ?? 0) - x);
      const to = Math.min(length, (this.#starts[column + 1] ?? 0) - x);
      if (to <= from) continue;
      const cell = row + column;
      counts[cell] = (counts[cell] ?? 0) + to - from;
      for (const [colour, values] of colours.entries()) {
        const sum = sumOfLight(values, weights, from, to);
        sums[cell * 3 + colour] = (sums[cell * 3 + colour] ?? 0) + sum;
      }
    }
  }

  /** A whole line, all channels of a pixel side by side. */
  integerLine(y: number, samples: Integers): void {
    const { height, channels, alpha, white } = this.#shape;
    const row = Math.floor((y * HEIGHT) / height) * WIDTH;
    const colours = Math.min(alpha ? channels - 1 : channels, 3);
    for (let column = 0; column < WIDTH; column++) {
      const from = this.#starts[column] ?? 0;
      const to = this.#starts[column + 1] ?? 0;
      const cell = row + column;
      this.#counts[cell] = (this.#counts[cell] ?? 0) + to - from;
      for (let colour = 0; colour < colours; colour++) {
        const first = from * channels + colour;
        const sum = alpha
          ? weightedIntegerSum(samples, first, to * channels, channels, channels - 1 - colour) / (white ?? 1)
          : integerSum(samples, first, to * channels, channels);
        this.#sums[cell * 3 + colour] = (this.#sums[cell * 3 + colour] ?? 0) + sum;
      }
    }
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
    const column = Math.floor((Math.floor((x * width) / WIDTH) * WIDTH) / width);
    const row = Math.floor((Math.floor((y * height) / HEIGHT) * HEIGHT) / height);
    return this.#counts[y * WIDTH + x] === 0 ? row * WIDTH + column : y * WIDTH + x;
  }
}

function integerSum(samples: Integers, from: number, to: number, step: number): number {
  let sum = 0;
  for (let at = from; at < to; at += step) sum += samples[at] ?? 0;
  return sum;
}

function weightedIntegerSum(
  samples: Integers,
  from: number,
  to: number,
  step: number,
  weight: number,
): number {
  let sum = 0;
  for (let at = from; at < to; at += step) sum += (samples[at] ?? 0) * (samples[at + weight] ?? 0);
  return sum;
}

/** What is no number is black, and no single light outshines all around it. */
function sumOfLight(
  values: Float32Array,
  weights: Float32Array | undefined,
  from: number,
  to: number,
): number {
  let sum = 0;
  for (let i = from; i < to; i++) {
    const value = (values[i] ?? 0) * (weights ? (weights[i] ?? 0) : 1);
    if (value > 0) sum += value < BRIGHTEST ? value : BRIGHTEST;
  }
  return sum;
}

/** The sRGB curve (IEC 61966-2-1), white and all that is brighter cut off. */
function screenValue(light: number): number {
  const value = Math.min(1, Math.max(0, light));
  return value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
}
