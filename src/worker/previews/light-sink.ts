import type { PictureShape, PictureSink } from '../../shared/quality/measure/picture-sink.ts';
import { toDisplay, type DisplayView } from '../colour/display-view.ts';

/** Light that is more than a half float can say, and what is infinite, counts as this much. */
const MOST_LIGHT = 65_504;

/** Gathers linear light into a small picture: each of its pixels is the mean light of those that it stands for. */
export class LightSink implements PictureSink {
  readonly #mostWidth: number;
  readonly #mostHeight: number;
  #shape: PictureShape | undefined;
  #sums = new Float64Array(0);
  #counts = new Uint32Array(0);
  #columns = new Int32Array(0);
  width = 0;
  height = 0;

  constructor(mostWidth: number, mostHeight: number) {
    this.#mostWidth = mostWidth;
    this.#mostHeight = mostHeight;
  }

  begin(shape: PictureShape): void {
    const scale = Math.min(1, this.#mostWidth / shape.width, this.#mostHeight / shape.height);
    this.#shape = shape;
    this.width = Math.max(1, Math.round(shape.width * scale));
    this.height = Math.max(1, Math.round(shape.height * scale));
    this.#sums = new Float64Array(this.width * this.height * 3);
    this.#counts = new Uint32Array(this.width * this.height);
    this.#columns = Int32Array.from({ length: shape.width }, (_, x) =>
      Math.floor((x * this.width) / shape.width),
    );
  }

  line(x: number, y: number, channels: readonly Float32Array[], length: number): void {
    const shape = this.#shape;
    if (!shape || y < 0 || y >= shape.height) return;
    const row = Math.floor((y * this.height) / shape.height) * this.width;
    const [first] = channels;
    if (!first) return;
    // Grey has one channel of colour.
    const colours = shape.channels - (shape.alpha ? 1 : 0);
    const [red, green, blue] = colours >= 3 ? channels : [first, first, first];
    for (let i = Math.max(0, -x); i < length && x + i < shape.width; i++) {
      const at = row + (this.#columns[x + i] ?? 0);
      this.#counts[at] = (this.#counts[at] ?? 0) + 1;
      this.#add(at * 3, red?.[i]);
      this.#add(at * 3 + 1, green?.[i]);
      this.#add(at * 3 + 2, blue?.[i]);
    }
  }

  bytes(): void {
    // Only the measures need them.
  }

  notFinite(): void {
    // They are left out of the means.
  }

  /** The picture for a screen: red, green, blue, a byte each. */
  pixels(display: DisplayView): Buffer {
    const pixels = Buffer.alloc(this.#sums.length);
    for (let at = 0; at < this.#sums.length; at++) {
      const count = this.#counts[Math.floor(at / 3)] ?? 0;
      const light = count === 0 ? 0 : (this.#sums[at] ?? 0) / count;
      pixels[at] = Math.round(toDisplay(light, display) * 255);
    }
    return pixels;
  }

  #add(at: number, light: number | undefined): void {
    if (light === undefined || Number.isNaN(light)) return;
    this.#sums[at] = (this.#sums[at] ?? 0) + Math.min(MOST_LIGHT, Math.max(0, light));
  }
}
