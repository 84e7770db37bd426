import { deflateSync } from 'node:zlib';

export interface ExrOptions {
  width: number;
  height: number;
  /** One grey channel of floats by the name Y, or channels of these names. */
  channels?: readonly string[];
  value: (x: number, y: number, channel: number) => number;
  compression?: 'none' | 'zip';
}

const LINES = { none: 1, zip: 16 } as const;

const int32 = (...values: number[]): Buffer => {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => buffer.writeInt32LE(value, i * 4));
  return buffer;
};
const attribute = (name: string, type: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0${type}\0`), int32(value.length), value]);
/** Type 2 is float. */
const channel = (name: string): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(2), Buffer.alloc(4), int32(1, 1)]);

/** An OpenEXR file of floats, as the format's documentation lays it out. */
export function makeExr({ width, height, channels = ['Y'], value, compression = 'zip' }: ExrOptions): Buffer {
  const names = channels.toSorted();
  const box = int32(0, 0, width - 1, height - 1);
  const header = Buffer.concat([
    int32(20_000_630, 2),
    attribute('channels', 'chlist', Buffer.concat([...names.map(channel), Buffer.from([0])])),
    attribute('compression', 'compression', Buffer.from([compression === 'zip' ? 3 : 0])),
    attribute('dataWindow', 'box2i', box),
    attribute('displayWindow', 'box2i', box),
    attribute('lineOrder', 'lineOrder', Buffer.from([0])),
    Buffer.from([0]),
  ]);
  const blocks: Buffer[] = [];
  for (let y = 0; y < height; y += LINES[compression]) {
    const lines = Math.min(LINES[compression], height - y);
    const pixels = Buffer.alloc(lines * width * names.length * 4);
    let at = 0;
    for (let line = y; line < y + lines; line++)
      for (const name of names)
        for (let x = 0; x < width; x++) at = pixels.writeFloatLE(value(x, line, channels.indexOf(name)), at);
    const packed = compression === 'zip' ? zip(pixels) : pixels;
    blocks.push(Buffer.concat([int32(y, packed.length), packed]));
  }
  const table = Buffer.alloc(blocks.length * 8);
  let offset = header.length + table.length;
  for (const [i, block] of blocks.entries()) {
    table.writeBigUInt64LE(BigInt(offset), i * 8);
    offset += block.length;
  }
  return Buffer.concat([header, table, ...blocks]);
}

/** Even bytes first, then the odd ones, then differences, then zlib; as it is where that is no smaller. */
function zip(pixels: Buffer): Buffer {
  const half = (pixels.length + 1) >> 1;
  const apart = Buffer.alloc(pixels.length);
  pixels.forEach((byte, i) => (apart[i % 2 === 0 ? i / 2 : half + (i - 1) / 2] = byte));
  for (let i = apart.length - 1; i > 0; i--) apart[i] = ((apart[i] ?? 0) - (apart[i - 1] ?? 0) + 128) & 255;
  const packed = deflateSync(apart);
  return packed.length < pixels.length ? packed : pixels;
}
