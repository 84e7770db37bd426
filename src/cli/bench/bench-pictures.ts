import { deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** A picture between a drawing and a photograph: shapes with the noise of a renderer. */
export async function renderedPng(width: number, height: number): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    pixels[i] = ((x * 120) / width + (y * 90) / height + (i % 3) * 12 + (state >>> 28)) & 255;
  }
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

const LINES = 16;
const int32 = (...values: number[]): Buffer => {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) buffer.writeInt32LE(value, i * 4);
  return buffer;
};
const attribute = (name: string, type: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0${type}\0`), int32(value.length), value]);
/** Type 1 is half. */
const channel = (name: string): Buffer =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(1), Buffer.alloc(4), int32(1, 1)]);

/** An EXR of that many layers of R, G, B and A in half floats, with ZIP compression and noise as renderers make it. */
export function layeredExr(width: number, height: number, layers: number): Buffer {
  const names = Array.from({ length: layers }, (_, layer) =>
    ['A', 'B', 'G', 'R'].map((leaf) => `layer${String(layer).padStart(2, '0')}.${leaf}`),
  ).flat();
  const box = int32(0, 0, width - 1, height - 1);
  const header = Buffer.concat([
    int32(20_000_630, 2),
    attribute('channels', 'chlist', Buffer.concat([...names.map(channel), Buffer.from([0])])),
    attribute('compression', 'compression', Buffer.from([3])),
    attribute('dataWindow', 'box2i', box),
    attribute('displayWindow', 'box2i', box),
    attribute('lineOrder', 'lineOrder', Buffer.from([0])),
    Buffer.from([0]),
  ]);
  const blocks = Array.from({ length: Math.ceil(height / LINES) }, (_, index) => {
    const y = index * LINES;
    const packed = zip(noise(width * Math.min(LINES, height - y) * names.length, index));
    return Buffer.concat([int32(y, packed.length), packed]);
  });
  const table = Buffer.alloc(blocks.length * 8);
  let offset = header.length + table.length;
  for (const [i, block] of blocks.entries()) {
    table.writeBigUInt64LE(BigInt(offset), i * 8);
    offset += block.length;
  }
  return Buffer.concat([header, table, ...blocks]);
}

/** Halves between 0.5 and 1 whose lower bits are noise. */
function noise(samples: number, seed: number): Buffer {
  const halves = Buffer.alloc(samples * 2);
  let state = seed + 1;
  for (let i = 0; i < samples; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    halves.writeUInt16LE(0x3800 | (state >>> 23), i * 2);
  }
  return halves;
}

/** What EXR's ZIP does: even bytes first, then the odd ones, then differences, then zlib. */
function zip(pixels: Buffer): Buffer {
  const half = (pixels.length + 1) >> 1;
  const apart = Buffer.alloc(pixels.length);
  for (let i = 0; i < pixels.length; i++) apart[(i & 1) * half + (i >> 1)] = pixels[i] ?? 0;
  for (let i = apart.length - 1; i > 0; i--) apart[i] = ((apart[i] ?? 0) - (apart[i - 1] ?? 0) + 128) & 255;
  return deflateSync(apart, { level: 4 });
}
