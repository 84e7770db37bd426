import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLooker } from './looking/file-looker.ts';
import { lookAtFile, type LookOptions } from './look-at-file.ts';

const looker = new FileLooker(2);
let dir: string;
let options: LookOptions;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'farmhand-look-'));
  const signal = new AbortController().signal;
  const workDir = (): Promise<string> => Promise.resolve(dir);
  options = { output: { format: 'png' }, policy: undefined, looker, ffmpeg: undefined, workDir, signal };
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

describe('lookAtFile', () => {
  const formats = { png: 'png', jpg: 'jpeg', webp: 'webp', tif: 'tiff' } as const;
  it.each(Object.entries(formats))('decodes .%s and refuses half of one', async (ending, format) => {
    const bytes = await picture().toFormat(format).toBuffer();
    const { judged, thumbnail } = await lookAtFile(write(`whole.${ending}`, bytes), 1, options);
    expect(judged).toMatchObject({ verdict: 'pass', measures: { width: 64, height: 48, depth: 'uint8' } });
    expect(await sharp(Buffer.from(thumbnail ?? '', 'base64')).metadata()).toMatchObject({
      width: 64,
      height: 36,
    });
    const half = write(`half.${ending}`, bytes.subarray(0, bytes.length / 2));
    await expect(lookAtFile(half, 1, options)).rejects.toMatchObject({
      failure: 'bad-output',
      message: expect.stringContaining(`half.${ending} does not decode`) as string,
    });
  });

  it('gives the bytes that it hashed, one file after another in the same memory', async () => {
    for (const colour of ['#102030', '#405060']) {
      const create = { width: 300, height: 200, channels: 3, background: colour } as const;
      const bytes = await sharp({ create }).png().toBuffer();
      const look = await lookAtFile(write('a.png', bytes), 1, options);
      expect(look.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(Buffer.from(look.memory ?? new ArrayBuffer(0), 0, look.bytes).equals(bytes)).toBe(true);
      if (look.memory) looker.giveBack(look.memory);
    }
  });

  it('says what it finds and fails nothing for it; a policy may say otherwise', async () => {
    const create = { width: 8, height: 8, channels: 3, background: '#000' } as const;
    const path = write('a.png', await sharp({ create }).png().toBuffer());
    const { judged } = await lookAtFile(path, 1, options);
    expect(judged).toMatchObject({ verdict: 'fail', findings: [{ check: 'blank', value: 0, threshold: 0 }] });
    const intended = { intended: [{ frames: '1-3', checks: ['blank' as const] }] };
    expect((await lookAtFile(path, 2, { ...options, policy: intended })).judged.verdict).toBe('pass');
    expect((await lookAtFile(path, 4, { ...options, policy: intended })).judged.verdict).toBe('fail');
  });

  it('refuses a PNG that lacks only its end mark', async () => {
    const bytes = await picture().png().toBuffer();
    const path = write('a.png', bytes.subarray(0, bytes.length - 4));
    await expect(lookAtFile(path, 1, options)).rejects.toThrow('does not end as a PNG file does');
  });

  it('refuses another size than was asked for, whatever the policy', async () => {
    const path = write('a.png', await picture().png().toBuffer());
    await lookAtFile(path, 1, { ...options, output: { format: 'png', width: 64, height: 48 } });
    const output = { format: 'png', width: 64, height: 49 };
    const other = { ...options, output, policy: { mode: 'off' as const } };
    await expect(lookAtFile(path, 1, other)).rejects.toThrow('is 64 × 48 pixels instead of 64 × 49');
  });

  it('refuses by the header what is of another size, or interlaced and huge, and decodes nothing of it', async () => {
    const claiming = async (width: number, height: number): Promise<string> => {
      const bytes = await picture().png({ progressive: true }).toBuffer();
      bytes.writeUInt32BE(width, 16);
      bytes.writeUInt32BE(height, 20);
      bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
      return write('bomb.png', bytes);
    };
    const asked = { ...options, output: { format: 'png', width: 64, height: 48 } };
    const bomb = await claiming(30_000, 30_000);
    await expect(lookAtFile(bomb, 1, asked)).rejects.toThrow('is 30000 × 30000 pixels instead of 64 × 48');
    await expect(lookAtFile(bomb, 1, options)).rejects.toThrow(
      'is interlaced or progressive, with more than',
    );
  });

  it('does not wait for a file when its task is cancelled', async () => {
    const path = write('a.png', await picture().png().toBuffer());
    const cancelled = new AbortController();
    const one = new FileLooker(1);
    const request = { path, frame: 1, policy: null, output: {} };
    const looks = [1, 2, 3].map(() => one.look(request, cancelled.signal));
    cancelled.abort(new Error('cancelled'));
    for (const { status } of await Promise.allSettled(looks)) expect(status).toBe('rejected');
    expect((await one.look(request, options.signal)).judged?.verdict).toBe('pass');
  });

  it('refuses what is missing or empty, and claims nothing of what nobody here can decode', async () => {
    await expect(lookAtFile(join(dir, 'none.png'), 1, options)).rejects.toThrow('was not written');
    await expect(lookAtFile(write('a.png', Buffer.alloc(0)), 1, options)).rejects.toThrow('is empty');
    const bitmap = await lookAtFile(write('a.bmp', Buffer.from('BM')), 1, options);
    expect(bitmap.judged).toMatchObject({ verdict: 'unchecked', measures: null });
    const video = await lookAtFile(write('a.mp4', Buffer.from('video')), 1, options);
    expect(video.judged.findings[0]?.message).toContain('this worker has no FFmpeg');
  });
});
