import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toDisplay } from '../colour/display-view.ts';
import { canBePreviewed, makePreview } from '../results/make-preview.ts';
import { PreviewHelper } from './preview-helper.ts';

let folder: string;
let helper: PreviewHelper;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-previews-'));
  helper = new PreviewHelper(join(folder, 'helper'));
});
afterEach(async () => {
  await helper.stop();
  await rm(folder, { recursive: true });
});

/** A Radiance picture of one colour; each of its values is a power of two times a byte. */
async function radiance(width: number, height: number, light: number): Promise<string> {
  const exponent = Math.ceil(Math.log2(light)) + 1;
  const byte = Math.round((light / 2 ** exponent) * 256);
  const pixel = Buffer.from([byte, byte, byte, exponent + 128]);
  const pixels = Buffer.concat(Array.from({ length: width * height }, () => pixel));
  const head = `#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y ${height} +X ${width}\n`;
  const path = join(folder, `light-${light}.hdr`);
  await writeFile(path, Buffer.concat([Buffer.from(head), pixels]));
  return path;
}

async function pixelOf(path: string, left: number, top: number): Promise<number[]> {
  return [...(await sharp(path).extract({ left, top, width: 1, height: 1 }).raw().toBuffer())];
}

describe('the process that makes previews', () => {
  it('makes small pictures of light, with highlights that are not cut off', async () => {
    for (const light of [0.25, 4]) {
      const to = join(folder, `small-${light}.webp`);
      const from = await radiance(600, 300, light);
      const size = await helper.ask({ do: 'shrink', from, to, width: 256, height: 256, fit: 'inside' });
      expect(size).toEqual({ width: 256, height: 128 });
      const [red = 0] = await pixelOf(to, 100, 60);
      const expected = toDisplay(light, { view: 'filmic', exposure: 0 }) * 255;
      expect(Math.abs(red - expected), String(light)).toBeLessThan(4);
      expect(red).toBeLessThan(250);
    }
  });

  it('fits pictures of another shape into the size of the others', async () => {
    const [from, to] = [join(folder, 'tall.png'), join(folder, 'f.jpg')];
    await sharp({ create: { width: 50, height: 100, channels: 4, background: '#ff0000' } }).toFile(from);
    expect(await helper.ask({ do: 'shrink', from, to, width: 80, height: 40, fit: 'contain' })).toEqual({
      width: 80,
      height: 40,
    });
    expect((await pixelOf(to, 2, 20))[0]).toBeLessThan(10);
    expect((await pixelOf(to, 40, 20))[0]).toBeGreaterThan(240);
  });

  it('writes what is missing on a grey picture', async () => {
    const to = join(folder, 'slate.jpg');
    await helper.ask({ do: 'slate', to, width: 320, height: 180, lines: ['frame 12', 'failed'] });
    const { channels } = await sharp(to).stats();
    expect(channels[0]?.max).toBeGreaterThan(200);
    expect(channels[0]?.mean).toBeLessThan(60);
  });

  it('says what it cannot read, and goes on', async () => {
    const from = join(folder, 'no-picture.png');
    await writeFile(from, 'words');
    const to = join(folder, 'out.jpg');
    const request = { do: 'shrink', from, to, width: 10, height: 10, fit: 'inside' } as const;
    await expect(helper.ask(request)).rejects.toThrow(/unsupported image format/);
    await expect(helper.ask({ ...request, from: join(folder, 'none.exr') })).rejects.toThrow(/ENOENT/);
    expect(await helper.ask({ do: 'slate', to, width: 64, height: 64, lines: ['x'] })).toEqual({
      width: 64,
      height: 64,
    });
  });

  it('gives up what nobody wants any more, at once, and goes on with the next', async () => {
    const cancelled = new AbortController();
    // A pipe that nobody writes to: reading it takes for ever.
    const from = join(folder, 'silent.hdr');
    execFileSync('mkfifo', [from]);
    const to = join(folder, 'out.jpg');
    const shrink = { do: 'shrink', from, to, width: 10, height: 10, fit: 'inside' } as const;
    const asked = [1, 2].map(() => helper.ask(shrink, cancelled.signal));
    await sleep(500);
    cancelled.abort(new Error('cancelled'));
    const gone = { status: 'rejected', reason: new Error('cancelled') };
    expect(await Promise.allSettled(asked)).toEqual([gone, gone]);
    const size = { width: 64, height: 64 };
    expect(await helper.ask({ do: 'slate', to, ...size, lines: ['x'] })).toEqual(size);
    expect(helper.waiting).toBe(0);
    await helper.stop();
    await expect(helper.ask(shrink)).rejects.toThrow('the worker stops');
  }, 60_000);
});

describe('makePreview', () => {
  it('makes a small WebP of pictures and of light', async () => {
    const large = join(folder, 'large.png');
    await sharp({ create: { width: 600, height: 300, channels: 3, background: '#123456' } }).toFile(large);
    const tools = { helper, ffmpeg: undefined, folder, signal: new AbortController().signal };
    for (const path of [large, await radiance(600, 300, 1)]) {
      const preview = await makePreview(path, tools);
      expect(await sharp(preview).metadata()).toMatchObject({ format: 'webp', width: 256, height: 128 });
    }
    expect(canBePreviewed('a.mov', undefined)).toBe(false);
    expect(canBePreviewed('a.mov', '/usr/bin/ffmpeg')).toBe(true);
    expect(canBePreviewed('a.txt', '/usr/bin/ffmpeg')).toBe(false);
  });
});
