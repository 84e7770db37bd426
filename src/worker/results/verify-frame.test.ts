import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makePreview, verifyFrame, type VerifyOptions } from './verify-frame.ts';

let dir: string;
let options: VerifyOptions;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-verify-'));
  const signal = new AbortController().signal;
  options = { output: { format: 'png' }, ffmpeg: undefined, workDir: () => Promise.resolve(dir), signal };
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A picture with enough noise that a file cut in half has lost pixels. */
function picture(): Sharp {
  const pixels = Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * i * 31) % 251));
  return sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } });
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
}

describe('verifyFrame', () => {
  const formats = { png: 'png', jpg: 'jpeg', webp: 'webp', tif: 'tiff' } as const;
  it.each(Object.entries(formats))('decodes .%s and refuses half of one', async (ending, format) => {
    const bytes = await picture().toFormat(format).toBuffer();
    await verifyFrame(write(`whole.${ending}`, bytes), options);
    const half = write(`half.${ending}`, bytes.subarray(0, bytes.length / 2));
    await expect(verifyFrame(half, options)).rejects.toMatchObject({
      failure: 'bad-output',
      message: expect.stringContaining(`half.${ending} does not decode`) as string,
    });
  });

  it('refuses a PNG that lacks only its end mark', async () => {
    const bytes = await picture().png().toBuffer();
    const path = write('a.png', bytes.subarray(0, bytes.length - 4));
    await expect(verifyFrame(path, options)).rejects.toThrow('does not end as a PNG file does');
  });

  it('refuses another size than was asked for', async () => {
    const path = write('a.png', await picture().png().toBuffer());
    await verifyFrame(path, { ...options, output: { format: 'png', width: 64, height: 48 } });
    const other = { ...options, output: { format: 'png', width: 64, height: 49 } };
    await expect(verifyFrame(path, other)).rejects.toThrow('is 64 × 48 pixels instead of 64 × 49');
  });

  it('refuses what is missing, empty or of a kind that nobody here can decode', async () => {
    await expect(verifyFrame(join(dir, 'none.png'), options)).rejects.toThrow('was not written');
    await expect(verifyFrame(write('a.png', Buffer.alloc(0)), options)).rejects.toThrow('is empty');
    await expect(verifyFrame(write('a.bmp', Buffer.from('BM')), options)).rejects.toThrow('no decoder');
    const video = write('a.mp4', Buffer.from('video'));
    await expect(verifyFrame(video, options)).rejects.toThrow('this worker has no FFmpeg');
  });
});

describe('makePreview', () => {
  it('makes a small WebP', async () => {
    const large = await sharp({ create: { width: 600, height: 300, channels: 3, background: '#123456' } })
      .png()
      .toBuffer();
    const preview = await makePreview(write('large.png', large));
    expect(await sharp(preview).metadata()).toMatchObject({ format: 'webp', width: 256, height: 128 });
  });
});
