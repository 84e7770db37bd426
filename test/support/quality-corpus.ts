import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { makeExr } from './make-exr.ts';

const run = promisify(execFile);

/** Broken files by name, and what a check of each has to say. */
export const DAMAGED_FILES = {
  'truncated.png': /does not decode|does not end/,
  'cut-end.png': /does not end as a PNG file does/,
  'huge.png': /claims 60000 × 60000 pixels/,
  'text.png': /does not decode/,
  'jpeg.png': /is a jpeg file, not a png file/,
  'truncated.exr': /is not a whole EXR file/,
  'nan.exr': /3 of its samples are not a number \(NaN\), 1 are infinite/,
  'truncated.mp4': /does not decode/,
  'text.mp4': /does not decode/,
  'black.png': /It is blank: all of it is black/,
  'transparent.png': /It is blank: all of it is transparent/,
  'fireflies.png': /9 pixels stand out alone/,
  'empty.png': /It is empty/,
  'black.mp4': /It is black for/,
} as const;

/** Writes each of the damaged files into a folder. */
export async function makeDamagedFiles(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = (name: keyof typeof DAMAGED_FILES, bytes: Uint8Array | string): Promise<void> =>
    writeFile(join(folder, name), bytes);
  const whole = await picture().png().toBuffer();
  await write('truncated.png', whole.subarray(0, whole.length / 2));
  await write('cut-end.png', whole.subarray(0, whole.length - 4));
  await write('huge.png', pngClaiming(60_000, 60_000));
  await write('text.png', 'This is no picture.\n');
  await write('jpeg.png', await picture().jpeg().toBuffer());
  const exr = makeExr({ width: 32, height: 32, value: (x, y) => x + y });
  await write('truncated.exr', exr.subarray(0, exr.length - 100));
  await write('nan.exr', makeExr({ width: 32, height: 32, value: brokenAt }));
  await write('text.mp4', 'This is no video.\n');
  const black = { width: 64, height: 36, channels: 3, background: '#000' } as const;
  await write('black.png', await sharp({ create: black }).png().toBuffer());
  const clear = { width: 64, height: 36, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } as const;
  await write('transparent.png', await sharp({ create: clear }).png().toBuffer());
  await write('fireflies.png', await withFireflies());
  await write('empty.png', '');
  await makeVideo(join(folder, 'whole.mp4'), 'testsrc2=size=160x90:rate=25:duration=2');
  const video = await readFile(join(folder, 'whole.mp4'));
  await write('truncated.mp4', video.subarray(0, video.length * 0.7));
  await rm(join(folder, 'whole.mp4'));
  await makeVideo(join(folder, 'black.mp4'), 'color=black:size=160x90:rate=25:duration=2');
}

/** What is wrong with a sequence that {@link damageSequence} has had, by frame. */
export const DAMAGED_FRAMES = {
  black: 25,
  hueShifted: 32,
  truncated: 39,
  duplicate: 46,
  missing: 53,
} as const;

/** Copies frames of a clean, moving sequence and damages five of them, each in its own way. */
export async function damageSequence(
  from: (frame: number) => string,
  to: (frame: number) => string,
  frames: { first: number; last: number },
): Promise<void> {
  for (let frame = frames.first; frame <= frames.last; frame++) await copyFile(from(frame), to(frame));
  const { black, hueShifted, truncated, duplicate, missing } = DAMAGED_FRAMES;
  const { width, height } = await sharp(from(black)).metadata();
  const background = { create: { width, height, channels: 3, background: '#000' } } as const;
  await sharp(background).png().toFile(to(black));
  await sharp(from(hueShifted)).modulate({ hue: 120 }).toFile(to(hueShifted));
  const bytes = await readFile(from(truncated));
  await writeFile(to(truncated), bytes.subarray(0, bytes.length / 2));
  await copyFile(from(duplicate - 1), to(duplicate));
  await rm(to(missing));
}

export async function makeVideo(path: string, source: string, sound: string[] = []): Promise<void> {
  const quiet = ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', source, ...sound];
  await run('ffmpeg', [...quiet, '-pix_fmt', 'yuv420p', '-movflags', '+faststart', path]);
}

/** A picture with enough noise that a file cut in half has lost pixels. */
export function picture(width = 64, height = 48): Sharp {
  const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * i * 31) % 251));
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

const brokenAt = (x: number, y: number): number => {
  if (y !== 7 || x > 3) return 0.5;
  return x === 3 ? Infinity : NaN;
};

async function withFireflies(): Promise<Buffer> {
  const [width, height] = [96, 54];
  const pixels = Buffer.alloc(width * height * 3, 40);
  for (let i = 0; i < 9; i++)
    pixels.fill(250, ((10 + i * 3) * width + 10 + i * 7) * 3, ((10 + i * 3) * width + 11 + i * 7) * 3);
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** A PNG whose header is right, whose pixels are few, and whose claim would fill gigabytes. */
function pngClaiming(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const pixels = deflateSync(Buffer.alloc(1_000));
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
