import { createHash, type Hash } from 'node:crypto';
import type { Measures } from '../../contracts/quality.ts';
import { Unreadable } from '../decode/not-decodable.ts';
import { countFireflies } from './fireflies.ts';
import { Histograms, type Range } from './histograms.ts';
import { LumaPlane } from './luma-plane.ts';
import { ThumbnailSums } from './thumbnail.ts';
import type { IntegerSink, Integers, PictureShape } from './picture-sink.ts';

/** Pictures with more pixels are not searched for fireflies: that needs a plane of them in memory. */
const MOST_SEARCHED_PIXELS = 64_000_000;

/** What was asked for; undefined: whatever there is. */
export interface WantedSize {
  width?: number | undefined;
  height?: number | undefined;
}

export interface MeasuredPicture {
  shape: PictureShape;
  measures: Measures;
  /** 64 × 36 pixels (`THUMBNAIL`) of three bytes: red, green, blue. */
  thumbnail: Uint8Array;
  /** Null where they were not searched. */
  fireflies: number | null;
}

/** Takes a picture's lines, and tells its measures in the end. None of its pixels stay but their brightness, for that long. */
export class Measurer implements IntegerSink {
  readonly #wanted: WantedSize;
  readonly #hash: Hash = createHash('sha256');
  readonly #min = [Infinity, Infinity, Infinity, Infinity];
  readonly #max = [-Infinity, -Infinity, -Infinity, -Infinity];
  readonly #sum = [0, 0, 0, 0];
  readonly #count = [0, 0, 0, 0];
  #notANumber = 0;
  #infinite = 0;
  #shape: PictureShape | undefined;
  #histograms: Histograms | undefined;
  #thumbnail: ThumbnailSums | undefined;
  #luma: LumaPlane | null = null;

  constructor(wanted: WantedSize = {}) {
    this.#wanted = wanted;
  }

  /** @throws Unreadable for a picture that is not the one asked for */
  size(width: number, height: number): void {
    const { width: wantedWidth = width, height: wantedHeight = height } = this.#wanted;
    if (width === wantedWidth && height === wantedHeight) return;
    throw new Unreadable(`is ${width} × ${height} pixels instead of ${wantedWidth} × ${wantedHeight}`);
  }

  begin(shape: PictureShape): void {
    this.#shape = shape;
    const { width, height, channels, depth } = shape;
    this.#hash.update(`${width} ${height} ${channels} ${depth}\n`);
    if (shape.white !== null) this.#histograms = new Histograms(channels, shape.white);
    this.#thumbnail = new ThumbnailSums(shape);
    if (width * height <= MOST_SEARCHED_PIXELS) this.#luma = new LumaPlane(shape);
  }

  bytes(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  notFinite(notANumber: number, infinite: number): void {
    this.#notANumber += notANumber;
    this.#infinite += infinite;
  }

  line(x: number, y: number, channels: readonly Float32Array[], length: number): void {
    for (const [index, values] of channels.entries()) this.#widen(index, rangeOfLight(values, length));
    this.#thumbnail?.line(x, y, channels, length);
    this.#luma?.line(x, y, channels, length);
  }

  integerLine(y: number, samples: Integers): void {
    this.#histograms?.line(samples);
    this.#thumbnail?.integerLine(y, samples);
    this.#luma?.integerLine(y, samples);
  }

  #widen(index: number, range: Range): void {
    this.#min[index] = Math.min(this.#min[index] ?? Infinity, range.min);
    this.#max[index] = Math.max(this.#max[index] ?? -Infinity, range.max);
    this.#sum[index] = (this.#sum[index] ?? 0) + range.sum;
    this.#count[index] = (this.#count[index] ?? 0) + range.count;
  }

  /** To be called once, after the last line. */
  finish(): MeasuredPicture {
    const shape = this.#shape;
    if (!shape || !this.#thumbnail) throw new Error('No picture was given');
    const values = (of: (index: number) => number): (number | null)[] =>
      Array.from({ length: shape.channels }, (_, index) =>
        (this.#count[index] ?? 0) === 0 ? null : of(index),
      );
    for (const [index, range] of (this.#histograms?.ranges() ?? []).entries()) this.#widen(index, range);
    const fireflies = this.#luma === null ? null : countFireflies(this.#luma, shape.white);
    this.#luma?.release();
    return {
      shape,
      measures: {
        width: shape.width,
        height: shape.height,
        channels: shape.allChannels,
        depth: shape.depth,
        min: values((index) => this.#min[index] ?? 0),
        max: values((index) => this.#max[index] ?? 0),
        mean: values((index) => rounded((this.#sum[index] ?? 0) / (this.#count[index] ?? 0))),
        notANumber: this.#notANumber,
        infinite: this.#infinite,
        pixels: this.#hash.digest('hex'),
      },
      thumbnail: this.#thumbnail.finish(),
      fireflies,
    };
  }
}

/** Leaves out what is not a number, or infinite. */
function rangeOfLight(values: Float32Array, length: number): Range {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? 0;
    if (value - value !== 0) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  return { min, max, sum, count };
}

/** To six digits, as these are sent with every frame. */
const rounded = (value: number): number => Number(value.toPrecision(6));
