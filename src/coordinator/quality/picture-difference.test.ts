import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Measures } from '../../shared/contracts/quality.ts';
import { TOLERANCE, pictureDifference } from './picture-difference.ts';

const measures = (changes: Partial<Measures> = {}): Measures => ({
  width: 64,
  height: 36,
  channels: 3,
  depth: 'uint8',
  min: [0, 0, 0],
  max: [255, 255, 255],
  mean: [100, 100, 100],
  notANumber: 0,
  infinite: 0,
  pixels: '0'.repeat(64),
  ...changes,
});
const picture = async (value: (x: number, y: number) => number) => {
  const raw = Buffer.alloc(64 * 36 * 3);
  for (let y = 0; y < 36; y++)
    for (let x = 0; x < 64; x++) raw.fill(value(x, y), (y * 64 + x) * 3, (y * 64 + x) * 3 + 3);
  const shape = { width: 64, height: 36, channels: 3 as const };
  return {
    measures: measures(),
    thumbnail: await sharp(raw, { raw: shape }).webp({ lossless: true }).toBuffer(),
  };
};

describe('the difference of two pictures of one frame', () => {
  it('is small for noise that moves, and large for a thing that is missing in a corner', async () => {
    const noise = (seed: number) => picture((x, y) => 100 + (((x * 7 + y * 13 + seed * 31) % 5) - 2));
    expect(await pictureDifference(await noise(1), await noise(2))).toBeLessThan(TOLERANCE);
    const plain = await picture(() => 100);
    const thing = await picture((x, y) => (x < 6 && y < 6 ? 200 : 100));
    expect(await pictureDifference(plain, thing)).toBeGreaterThan(TOLERANCE);
  });

  it('is the greatest for other dimensions, and goes by the means without small pictures', async () => {
    const a = { measures: measures(), thumbnail: null };
    expect(await pictureDifference(a, { measures: measures({ width: 65 }), thumbnail: null })).toBe(1);
    const b = { measures: measures({ mean: [100, 151, 100] }), thumbnail: Buffer.from('no picture') };
    expect(await pictureDifference(a, b)).toBeCloseTo(0.2);
  });
});
