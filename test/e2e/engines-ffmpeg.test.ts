import { execFile } from 'node:child_process';
import { readFile, truncate, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import { installEngine } from '../../src/local/engines/install-engine.ts';
import type {
  DetectedProgram,
  FrameRequest,
  RenderedFrame,
  SessionSpec,
} from '../../src/worker/engines/engine.ts';
import { ffmpegEngine } from '../../src/worker/engines/ffmpeg/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';

const run = promisify(execFile);
const SOUND = `asset:${'a'.repeat(64)}/sound.wav`;

let detected: DetectedProgram;
let harness: EngineHarness;

beforeAll(async () => {
  const options = { cacheDir: cacheFolder() };
  const here = await ffmpegEngine.detect(options);
  // The way of those who have no FFmpeg.
  if (!here) await installEngine('ffmpeg', cacheFolder(), () => undefined);
  const found = here ?? (await ffmpegEngine.detect(options));
  if (!found) throw new Error('FFmpeg was installed and is not found.');
  detected = found;
});
beforeEach(async () => {
  harness = await EngineHarness.create(ffmpegEngine, detected);
});
afterEach(async () => {
  await harness.dispose();
});

type Inputs = FrameRequest['inputs'][string];

interface Pictures {
  numbers?: number[];
  width?: number;
  height?: number;
  alpha?: number;
  format?: 'png' | 'webp';
}

async function pictures(options: Pictures = {}): Promise<Inputs> {
  const { numbers = [1, 2, 3, 4, 5, 6], width = 64, height = 48, alpha = 1, format = 'png' } = options;
  return Promise.all(
    numbers.map(async (frame) => {
      const path = join(harness.folder, `in-${frame}-${width}.${format}`);
      const background = { r: 200, g: 100, b: 50, alpha };
      await sharp({ create: { width, height, channels: 4, background } })
        .toFormat(format)
        .toFile(path);
      return { frame, path };
    }),
  );
}

async function encode(
  frames: Inputs,
  options: {
    output?: object;
    settings?: SessionSpec['settings'];
    files?: Record<string, string>;
    missing?: number[];
  } = {},
): Promise<RenderedFrame> {
  const output = { format: 'mp4', fps: 12, ...options.output };
  const session = await harness.open({ scenePath: null, output, settings: options.settings ?? {} });
  return harness.render(session, 0, {
    inputs: { frames },
    missing: { frames: options.missing ?? [] },
    files: options.files ?? {},
  });
}

/** What FFmpeg says of a file. */
async function describeVideo(path: string): Promise<string> {
  return run(detected.program, ['-hide_banner', '-i', path]).then(
    () => '',
    (error: unknown) => (error as { stderr: string }).stderr, // it wants an output, and says what it saw
  );
}

async function picture(path: string, at: number): Promise<{ width: number; height: number; pixels: Buffer }> {
  const file = join(harness.folder, `shot-${at}.png`);
  await run(detected.program, [
    '-y',
    '-i',
    path,
    '-vf',
    `select=eq(n\\,${at})`,
    '-frames:v',
    '1',
    '-update',
    '1',
    file,
  ]);
  return decode(file);
}

it('makes an mp4 that browsers play, of as many frames as there are pictures', async () => {
  const { files, warnings } = await encode(await pictures());
  const path = files[0]?.path ?? '';
  const words = await describeVideo(path);
  expect(words).toMatch(/Video: h264.*yuv420p\(tv, bt709, progressive\), 64x48.*12 fps/);
  expect(words).toMatch(/Duration: 00:00:00\.50/);
  const bytes = await readFile(path);
  expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
  const { pixels } = await picture(path, 5);
  expect(Math.abs((pixels[0] ?? 0) - 200)).toBeLessThan(6);
  expect(warnings).toEqual([]);
  expect(harness.progress.at(-1)).toBe(1);
});

it('makes odd sides even, flattens transparency on black, and says what is not there', async () => {
  const frames = await pictures({ numbers: [3, 4, 9], width: 33, height: 21, alpha: 0.5 });
  const { files, warnings } = await encode(frames);
  const { width, height, pixels } = await picture(files[0]?.path ?? '', 0);
  expect([width, height]).toEqual([34, 22]);
  expect(Math.abs((pixels[4 * 34 * 10 + 40] ?? 0) - 100)).toBeLessThan(8);
  expect(warnings.join()).toMatch(/33×21 has an odd side/);
  expect(warnings.join()).toMatch(/Between the frames 3 and 9 some are not there/);
});

it('fits pictures into the size that is asked for', async () => {
  const { files } = await encode(await pictures({ format: 'webp' }), { output: { width: 100, height: 100 } });
  const { width, height, pixels } = await picture(files[0]?.path ?? '', 0);
  expect([width, height]).toEqual([100, 100]);
  expect(pixels[0]).toBeLessThan(8); // black above
});

it('muxes sound, as long as the pictures whether it is shorter or longer', async () => {
  for (const seconds of ['0.1', '3']) {
    const wav = join(harness.folder, `sound-${seconds}.wav`);
    await run(detected.program, ['-f', 'lavfi', '-i', `sine=440:d=${seconds}`, wav]);
    const { files } = await encode(await pictures(), { settings: { audio: SOUND }, files: { [SOUND]: wav } });
    const words = await describeVideo(files[0]?.path ?? '');
    expect(words).toMatch(/Audio: aac/);
    expect(words).toMatch(/Duration: 00:00:00\.5/);
  }
  expect(ffmpegEngine.files?.({ audio: SOUND })).toEqual([
    { ref: SOUND, scene: { asset: 'a'.repeat(64), path: 'sound.wav' } },
  ]);
});

it('does not let a sound file that is a list make it read other files', async () => {
  const list = join(harness.folder, 'list.wav');
  await writeFile(list, `#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n`);
  const frames = await pictures();
  await expect(
    encode(frames, { settings: { audio: SOUND }, files: { [SOUND]: list } }),
  ).rejects.toMatchObject({ failure: 'scene' });
});

it('refuses pictures that do not belong together, and none', async () => {
  const frames = await pictures();
  const other = await pictures({ numbers: [7], width: 32 });
  await expect(encode([...frames, ...other])).rejects.toThrow('frame 1 is 64×48, frame 7 is 32×48');
  const webp = await pictures({ numbers: [8], format: 'webp' });
  await expect(encode([...frames, ...webp])).rejects.toThrow('frame 1 is png, frame 8 is webp');
  await expect(encode([])).rejects.toThrow('no accepted frame');
});

it('fails for a picture that is cut off, instead of leaving it out', async () => {
  const frames = await pictures({ width: 640, height: 480 });
  const noise = Buffer.from(Array.from({ length: 640 * 480 * 4 }, (_, i) => (i * 7919) % 251));
  const path = frames[2]?.path ?? '';
  await sharp(noise, { raw: { width: 640, height: 480, channels: 4 } })
    .png()
    .toFile(path);
  await truncate(path, Math.floor((await stat(path)).size / 2));
  await expect(encode(frames)).rejects.toMatchObject({
    failure: 'scene',
    message: expect.stringContaining('png') as string,
  });
});
