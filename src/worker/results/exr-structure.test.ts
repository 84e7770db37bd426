import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkExrStructure } from './exr-structure.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-exr-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

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

function check(bytes: Buffer): Promise<{ width: number; height: number }> {
  const path = join(dir, 'picture.exr');
  writeFileSync(path, bytes);
  return checkExrStructure(path);
}

describe('checkExrStructure', () => {
  it('takes a whole file and tells its size', async () => {
    expect(await check(makeExr())).toEqual({ width: WIDTH, height: HEIGHT });
  });

  it('refuses a file that is cut anywhere', async () => {
    const whole = makeExr();
    for (let length = 0; length < whole.length; length++)
      await expect(check(whole.subarray(0, length)), `cut at ${length}`).rejects.toThrow();
  });

  it('refuses a chunk that the writer never came to', async () => {
    const unfinished = makeExr({ table: (table) => table.writeBigUInt64LE(0n, 8) });
    await expect(check(unfinished)).rejects.toThrow('chunk 2 of 2 was not written');
  });

  it('refuses pixels that do not decompress, or to another size', async () => {
    const broken = makeExr({
      blocks: ([first, second]) => {
        const bad = Buffer.from(second!);
        bad.writeUInt8(bad.readUInt8(bad.length - 3) ^ 0xff, bad.length - 3);
        return [first!, bad];
      },
    });
    await expect(check(broken)).rejects.toThrow('does not decompress');
    const pixels = deflateSync(Buffer.alloc(100));
    const short = Buffer.concat([int32(16, pixels.length), pixels]);
    const wrong = makeExr({ blocks: ([first]) => [first!, short] });
    await expect(check(wrong)).rejects.toThrow('holds 100 bytes instead of 160');
  });

  it('refuses chunks that overlap or lie outside of the picture', async () => {
    const twice = makeExr({ table: (table) => table.copy(table, 8, 0, 8) });
    await expect(check(twice)).rejects.toThrow('overlap');
    const outside = makeExr({
      blocks: ([first, second]) => {
        const moved = Buffer.from(second!);
        moved.writeInt32LE(4_000, 0);
        return [first!, moved];
      },
    });
    await expect(check(outside)).rejects.toThrow('line 4000 is outside');
  });

  it('refuses other files, and headers that promise nonsense', async () => {
    await expect(check(Buffer.from('not a picture at all'))).rejects.toThrow(
      'does not begin as an OpenEXR file',
    );
    const huge = makeExr();
    huge.writeInt32LE(2_000_000_000, huge.indexOf('dataWindow') + 'dataWindow\0box2i\0'.length + 4 + 8);
    await expect(check(huge)).rejects.toThrow('dataWindow is');
  });
});
