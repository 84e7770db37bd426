import type { PictureSink } from '../measure/picture-sink.ts';
import type { ExrChunk } from './exr-chunks.ts';
import type { ExrPart } from './exr-header.ts';
import { halves } from './halves.ts';
import { isDistance } from './main-layer.ts';
import type { Block } from './unpack-block.ts';

/** Reads the samples of one part: those of the main layer for the sink, of all others only what is no number. */
export class SampleReader {
  readonly #part: ExrPart;
  readonly #sink: PictureSink;
  /** By channel of the part: its place among the measured ones, or -1. */
  readonly #measured: Int32Array;
  readonly #lines: Float32Array[];
  readonly #mayBeInfinite: boolean[];

  constructor(part: ExrPart, main: readonly number[], sink: PictureSink) {
    this.#part = part;
    this.#sink = sink;
    this.#measured = new Int32Array(part.channels.length).map((_, index) => main.indexOf(index));
    this.#lines = main.map(() => new Float32Array(part.width));
    this.#mayBeInfinite = part.channels.map(({ name }) => isDistance(name));
  }

  read(pixels: Buffer, block: Block, chunk: ExrChunk): void {
    let at = 0;
    for (let y = block.yMin; y < block.yMin + block.lines; y++) {
      for (const [index, { type, columns, bytes, ySampling }] of block.channels.entries()) {
        if (y % ySampling !== 0) continue;
        const place = this.#measured[index] ?? 0;
        const line = place < 0 || chunk.isReduced ? null : (this.#lines[place] ?? null);
        if (type === 'half') this.#readHalves(pixels, at, columns, line, index);
        else if (type === 'float') this.#readFloats(pixels, at, columns, line, index);
        else if (line) for (let x = 0; x < columns; x++) line[x] = pixels.readUInt32LE(at + x * 4);
        at += columns * bytes;
      }
      if (this.#lines.length > 0 && !chunk.isReduced) this.#giveLine(chunk, y);
    }
  }

  /** The picture is what the display window shows. */
  #giveLine(chunk: ExrChunk, y: number): void {
    const { displayX, displayY, displayWidth, displayHeight } = this.#part;
    const row = y - displayY;
    if (row < 0 || row >= displayHeight) return;
    const skip = Math.max(0, displayX - chunk.x);
    const length = Math.min(chunk.x + chunk.width, displayX + displayWidth) - chunk.x - skip;
    if (length <= 0) return;
    const lines = skip === 0 ? this.#lines : this.#lines.map((line) => line.subarray(skip));
    this.#sink.line(chunk.x + skip - displayX, row, lines, length);
  }

  #readHalves(pixels: Buffer, at: number, count: number, line: Float32Array | null, index: number): void {
    const values = halves();
    const samples = halvesAt(pixels, at, count);
    let notFinite = false;
    for (let x = 0; x < count; x++) {
      if (((samples[x] ?? 0) & 0x7c00) === 0x7c00) notFinite = true;
    }
    if (line) for (let x = 0; x < count; x++) line[x] = values[samples[x] ?? 0] ?? 0;
    if (notFinite)
      this.#count(
        Float32Array.from(samples, (bits) => values[bits] ?? 0),
        index,
      );
  }

  #readFloats(pixels: Buffer, at: number, count: number, line: Float32Array | null, index: number): void {
    const samples = floatsAt(pixels, at, count);
    let notFinite = false;
    // Of what is no number, and of infinities, the difference to itself is not zero.
    for (let x = 0; x < count; x++) {
      if ((samples[x] ?? 0) - (samples[x] ?? 0) !== 0) notFinite = true;
    }
    if (line) line.set(samples);
    if (notFinite) this.#count(samples, index);
  }

  #count(samples: Float32Array, index: number): void {
    let [notANumber, infinite] = [0, 0];
    for (const value of samples) {
      if (Number.isNaN(value)) notANumber++;
      else if (!Number.isFinite(value)) infinite++;
    }
    this.#sink.notFinite(notANumber, this.#mayBeInfinite[index] === true ? 0 : infinite);
  }
}

/** Numbers can be looked at in place only where they begin at a multiple of their size. */
function halvesAt(pixels: Buffer, at: number, count: number): Uint16Array {
  const offset = pixels.byteOffset + at;
  if (offset % 2 === 0) return new Uint16Array(pixels.buffer, offset, count);
  return new Uint16Array(Uint8Array.prototype.slice.call(pixels, at, at + count * 2).buffer);
}

function floatsAt(pixels: Buffer, at: number, count: number): Float32Array {
  const offset = pixels.byteOffset + at;
  if (offset % 4 === 0) return new Float32Array(pixels.buffer, offset, count);
  return new Float32Array(Uint8Array.prototype.slice.call(pixels, at, at + count * 4).buffer);
}
