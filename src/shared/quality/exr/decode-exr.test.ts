import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { makeExr as makeFloats } from '../../../../test/support/make-exr.ts';
import { bytesInMemory } from '../decode/file-bytes.ts';
import { Measurer, type MeasuredPicture } from '../measure/measurer.ts';
import { decodeExr } from './decode-exr.ts';

const int32 = (...values: number[]): Buffer => {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => buffer.writeInt32LE(value, i * 4));
  return buffer;
};
const attribute = (name: string, type: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0${type}\0`), int32(value.length), value]);
const channel = (name: string): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(1), Buffer.alloc(4), int32(1, 1)]);

const WIDTH = 10;
const HEIGHT = 20;
const ZIP = 3;

/** A picture of two half-float channels, in blocks of 16 lines, as the format's documentation lays it out. */
function makeExr(
  changes: { blocks?: (blocks: Buffer[]) => Buffer[]; table?: (table: Buffer) => void } = {},
): Buffer {
  const box = int32(0, 0, WIDTH - 1, HEIGHT - 1);
  const header = Buffer.concat([
    int32(20_000_630, 2),
    attribute('channels', 'chlist', Buffer.concat([channel('G'), channel('R'), Buffer.from([0])])),
    attribute('compression', 'compression', Buffer.from([ZIP])),
    attribute('dataWindow', 'box2i', box),
    attribute('displayWindow', 'box2i', box),
    attribute('lineOrder', 'lineOrder', Buffer.from([0])),
    Buffer.from([0]),
  ]);
  const blocks = [0, 16].map((y) => {
    const pixels = deflateSync(Buffer.alloc(WIDTH * Math.min(16, HEIGHT - y) * 4, y + 1));
    return Buffer.concat([int32(y, pixels.length), pixels]);
  });
  const written = changes.blocks?.(blocks) ?? blocks;
  const table = Buffer.alloc(16);
  let offset = header.length + table.length;
  written.forEach((block, i) => {
    table.writeBigUInt64LE(BigInt(offset), i * 8);
    offset += block.length;
  });
  changes.table?.(table);
  return Buffer.concat([header, table, ...written]);
}

function decode(bytes: Buffer): MeasuredPicture {
  const measurer = new Measurer();
  decodeExr(bytesInMemory(bytes), measurer);
  return measurer.finish();
}

describe('decodeExr', () => {
  it('takes a whole file and tells its size', () => {
    expect(decode(makeExr()).measures).toMatchObject({
      width: WIDTH,
      height: HEIGHT,
      channels: 2,
      depth: 'half',
    });
  });

  it('measures the main layer, and what is no number in any', () => {
    const value = (x: number, y: number, channel: number): number =>
      channel === 3 && x === 2 && y === 5 ? NaN : x + channel;
    const channels = ['R', 'G', 'B', 'shadow.R', 'Z'];
    const zipped = decode(makeFloats({ width: 10, height: 20, channels, value })).measures;
    expect(zipped).toMatchObject({
      channels: 5,
      depth: 'float',
      min: [0, 1, 2],
      max: [9, 10, 11],
      notANumber: 1,
    });
    const plain = decode(
      makeFloats({ width: 10, height: 20, channels, value, compression: 'none' }),
    ).measures;
    expect(plain.pixels).toBe(zipped.pixels);
  });

  it('takes it that distances are infinite, and colours are not', () => {
    const infinite = (channels: string[]): number =>
      decode(makeFloats({ width: 4, height: 4, channels, value: (x) => (x === 0 ? Infinity : 1) })).measures
        .infinite;
    expect(infinite(['Z'])).toBe(0);
    expect(infinite(['ViewLayer.Depth.Z'])).toBe(0);
    expect(infinite(['R'])).toBe(4);
  });

  it('refuses a file that is cut anywhere', () => {
    const whole = makeExr();
    for (let length = 0; length < whole.length; length++)
      expect(() => decode(whole.subarray(0, length)), `cut at ${length}`).toThrow();
  });

  it('refuses a chunk that the writer never came to', () => {
    const unfinished = makeExr({ table: (table) => table.writeBigUInt64LE(0n, 8) });
    expect(() => decode(unfinished)).toThrow('chunk 2 of 2 was not written');
  });

  it('refuses pixels that do not decompress, or to another size', () => {
    const broken = makeExr({
      blocks: ([first, second]) => {
        const bad = Buffer.from(second!);
        bad.writeUInt8(bad.readUInt8(bad.length - 3) ^ 0xff, bad.length - 3);
        return [first!, bad];
      },
    });
    expect(() => decode(broken)).toThrow('does not decompress');
    const pixels = deflateSync(Buffer.alloc(100));
    const short = Buffer.concat([int32(16, pixels.length), pixels]);
    const wrong = makeExr({ blocks: ([first]) => [first!, short] });
    expect(() => decode(wrong)).toThrow('holds 100 bytes instead of 160');
  });

  it('refuses chunks in the place of others, or outside of the picture', () => {
    const twice = makeExr({ table: (table) => table.copy(table, 8, 0, 8) });
    expect(() => decode(twice)).toThrow('stands where that of line 16');
    const outside = makeExr({
      blocks: ([first, second]) => {
        const moved = Buffer.from(second!);
        moved.writeInt32LE(4_000, 0);
        return [first!, moved];
      },
    });
    expect(() => decode(outside)).toThrow('a chunk stands where that of line 16 should');
  });

  it('refuses blocks and files that would take too much memory, before anything is decoded', () => {
    const channels = Array.from({ length: 40 }, (_, i) => `layer${i}.Y`);
    const many = makeFloats({ width: WIDTH, height: HEIGHT, channels, value: () => 0 });
    const wide = (bytes: Buffer, right: number, top: number): Buffer => {
      for (const name of ['dataWindow', 'displayWindow']) {
        const at = bytes.indexOf(name) + `${name}\0box2i\0`.length + 4;
        bytes.writeInt32LE(right, at + 8);
        bytes.writeInt32LE(top, at + 12);
      }
      return bytes;
    };
    expect(() => decode(wide(Buffer.from(many), 199_999, HEIGHT - 1))).toThrow('more than the 268435456');
    expect(() => decode(wide(Buffer.from(many), 29_999, 29_999))).toThrow('claims 144 GB of pixels');
  });

  it('refuses other files, and headers that promise nonsense', () => {
    expect(() => decode(Buffer.from('not a picture at all'))).toThrow('does not begin as an OpenEXR file');
    const huge = makeExr();
    huge.writeInt32LE(2_000_000_000, huge.indexOf('dataWindow') + 'dataWindow\0box2i\0'.length + 4 + 8);
    expect(() => decode(huge)).toThrow('dataWindow is');
  });
});
