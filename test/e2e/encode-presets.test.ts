import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import type { DetectedProgram, FrameRequest, SessionSpec } from '../../src/worker/engines/engine.ts';
import { ffmpegEngine } from '../../src/worker/engines/ffmpeg/engine.ts';
import { toDisplay } from '../../src/worker/colour/display-view.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';

const run = promisify(execFile);
const SOUND = `asset:${'a'.repeat(64)}/sound.wav`;
const WIDTH = 160;
const HEIGHT = 90;
const FPS = 12;

let detected: DetectedProgram;
let harness: EngineHarness;

beforeAll(async () => {
  const found = await ffmpegEngine.detect({ cacheDir: cacheFolder() });
  if (!found) throw new Error('There is no FFmpeg on this machine.');
  detected = found;
});
beforeEach(async () => {
  harness = await EngineHarness.create(ffmpegEngine, detected);
});
afterEach(async () => {
  await harness.dispose();
});

type Inputs = FrameRequest['inputs'][string];

/** Each picture has another red. */
function pictures(numbers: readonly number[], alpha = 1): Promise<Inputs> {
  return Promise.all(
    numbers.map(async (frame) => {
      const path = join(harness.folder, `in-${frame}.png`);
      const background = { r: (frame * 20) % 256, g: 60, b: 60, alpha };
      const channels = alpha === 1 ? 3 : 4;
      await sharp({ create: { width: WIDTH, height: HEIGHT, channels, background } }).toFile(path);
      return { frame, path };
    }),
  );
}

async function encode(
  frames: Inputs,
  format: string,
  settings: SessionSpec['settings'],
  more: Partial<FrameRequest> = {},
): Promise<{ path: string; warnings: string[] }> {
  const session = await harness.open({ scenePath: null, output: { format, fps: FPS }, settings });
  const { files, warnings } = await harness.render(session, 0, { inputs: { frames }, ...more });
  return { path: files[0]?.path ?? '', warnings };
}

interface Probe {
  streams: Record<string, string | Record<string, string>>[];
  format: { duration: string };
}

async function probe(
  path: string,
): Promise<{ video: Probe['streams'][number]; audio: unknown; seconds: number }> {
  const args = ['-v', 'error', '-count_frames', '-show_streams', '-show_format', '-of', 'json', path];
  const { stdout } = await run('ffprobe', args);
  const { streams, format } = JSON.parse(stdout) as Probe;
  const video = streams.find((stream) => stream['codec_type'] === 'video') ?? {};
  const audio = streams.find((stream) => stream['codec_type'] === 'audio')?.['codec_name'];
  return { video, audio, seconds: Number(format.duration) };
}

/** One picture of a video, with its alpha. */
async function pictureOf(path: string, at: number, decoder: readonly string[] = []): Promise<Buffer> {
  const file = join(harness.folder, `shot-${at}.png`);
  const select = ['-vf', `select=eq(n\\,${at})`, '-frames:v', '1', '-update', '1'];
  await run(detected.program, [
    '-y',
    '-v',
    'error',
    ...decoder,
    '-i',
    path,
    ...select,
    '-pix_fmt',
    'rgba',
    file,
  ]);
  return (await decode(file)).pixels;
}

const at = (pixels: Buffer, x: number, y: number): number[] => [
  ...pixels.subarray((y * WIDTH + x) * 4, (y * WIDTH + x) * 4 + 4),
];

async function sound(): Promise<Record<string, string>> {
  const wav = join(harness.folder, 'sound.wav');
  await run(detected.program, ['-v', 'error', '-f', 'lavfi', '-i', 'sine=440:d=2', wav]);
  return { [SOUND]: wav };
}

describe('the presets', () => {
  const cases = [
    ['h264', 'mp4', { codec_name: 'h264', pix_fmt: 'yuv420p', codec_tag_string: 'avc1' }, 'aac'],
    ['h265', 'mp4', { codec_name: 'hevc', pix_fmt: 'yuv420p', codec_tag_string: 'hvc1' }, 'aac'],
    ['prores', 'mov', { codec_name: 'prores', pix_fmt: 'yuv422p10le', profile: 'HQ' }, 'pcm_s16le'],
    ['vp9', 'webm', { codec_name: 'vp9', pix_fmt: 'yuv420p' }, 'opus'],
  ] as const;
  it.each(cases)('%s makes %s of every picture, with sound', async (preset, format, expected, codec) => {
    const settings = { encode: preset, audio: SOUND };
    const frames = await pictures([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const { path, warnings } = await encode(frames, format, settings, { files: await sound() });
    const { video, audio, seconds } = await probe(path);
    expect(video).toMatchObject({
      ...expected,
      width: WIDTH,
      height: HEIGHT,
      nb_read_frames: '9',
      color_space: 'bt709',
    });
    const rate = video['r_frame_rate'];
    expect(rate).toBe('12/1');
    expect(audio).toBe(codec);
    expect(seconds).toBeGreaterThan(0.7);
    expect(seconds).toBeLessThan(0.85);
    expect(warnings).toEqual([]);
    expect(Math.abs((at(await pictureOf(path, 8), 80, 45)[0] ?? 0) - 180)).toBeLessThan(10);
  });

  it('gif has a palette of its own and keeps every picture', async () => {
    const frames = await pictures([1, 2, 3, 4, 5, 6]);
    const { path } = await encode(frames, 'gif', { encode: 'gif' });
    const { video, seconds } = await probe(path);
    expect(video).toMatchObject({ codec_name: 'gif', width: WIDTH, height: HEIGHT, nb_read_frames: '6' });
    expect(Math.abs(seconds - 0.5)).toBeLessThan(0.05);
    // A general palette has no such colour.
    expect(at(await pictureOf(path, 3), 80, 45)).toEqual([80, 60, 60, 255]);
  });

  it('gif and vp9 stay transparent where the pictures are', async () => {
    const webm = await encode(await pictures([1, 2, 3], 0.5), 'webm', { encode: 'vp9' });
    const [, , , alpha] = at(await pictureOf(webm.path, 1, ['-c:v', 'libvpx-vp9']), 80, 45);
    expect(Math.abs((alpha ?? 0) - 128)).toBeLessThan(8);
    const gif = await encode(await pictures([1, 2, 3], 0), 'gif', { encode: 'gif' });
    expect(at(await pictureOf(gif.path, 1), 80, 45)[3]).toBe(0);
  });
});

describe('missing frames', () => {
  it('fail the video unless the job says what is shown instead', async () => {
    const frames = await pictures([1, 2, 5, 6]);
    const missing = { frames: [3, 4] };
    await expect(encode(frames, 'mp4', {}, { missing })).rejects.toMatchObject({
      failure: 'scene',
      message: expect.stringContaining('The frames 3, 4 are not done') as string,
    });
    const held = await encode(frames, 'mp4', { gaps: 'hold' }, { missing });
    expect((await probe(held.path)).video['nb_read_frames']).toBe('6');
    expect(Math.abs((at(await pictureOf(held.path, 3), 80, 10)[0] ?? 0) - 40)).toBeLessThan(8);
    expect(held.warnings.join()).toContain('The frames 3, 4 are not done');

    const slate = await encode(frames, 'mp4', { gaps: 'slate' }, { missing });
    expect((await probe(slate.path)).video['nb_read_frames']).toBe('6');
    const pixels = await pictureOf(slate.path, 2);
    expect(at(pixels, 5, 5).every((value) => value === 255 || Math.abs(value - 0x30) < 6)).toBe(true);
    expect(brightest(pixels)).toBeGreaterThan(200); // its text
    expect(Math.abs((at(await pictureOf(slate.path, 4), 80, 10)[0] ?? 0) - 100)).toBeLessThan(8);
  });
});

describe('dailies', () => {
  it('have their texts in the pictures, whatever is in them', async () => {
    const frames = await pictures([7, 8, 9, 20]);
    const hostile = `it's 50 %{n} \\: 'x' , [v] ; \`id\` $(id)`;
    const plain = await encode(frames, 'mp4', { burnIn: { title: 'x' } });
    const { path } = await encode(frames, 'mp4', { burnIn: { title: hostile, version: 'v012' } });
    expect((await probe(path)).video['nb_read_frames']).toBe('4');
    const [one, other] = [await pictureOf(path, 0), await pictureOf(plain.path, 0)];
    expect(brightest(one)).toBeGreaterThan(200);
    expect(at(one, 120, 40)).toEqual(at(other, 120, 40)); // the middle is the picture itself
    expect(one.equals(other)).toBe(false);
  });

  it('count frames with gaps as the frames are numbered', async () => {
    // Frames 7 and 20 are the fourth and first pictures of two videos: the same number looks the same.
    const only = { title: '', timecode: false };
    const of = async (numbers: number[], index: number): Promise<Buffer> => {
      const frames = (await pictures([1])).flatMap(({ path }) => numbers.map((frame) => ({ frame, path })));
      const { path } = await encode(frames, 'mp4', { crf: 0, burnIn: only });
      return pictureOf(path, index);
    };
    const jump = await of([7, 8, 9, 20], 3);
    expect(jump.equals(await of([20, 21], 0))).toBe(true);
    expect(jump.equals(await of([10, 11], 0))).toBe(false);
  });
});

describe('EXR', () => {
  it('is shown as the view says, highlights kept by the filmic one', async () => {
    const frames: Inputs = [];
    for (const [i, level] of [0.18, 1, 4].entries()) {
      const path = join(harness.folder, `light-${i}.exr`);
      const [r, g, b] = [level, level, level];
      const geq = `color=black:s=${WIDTH}x${HEIGHT},format=gbrpf32,geq=r=${r}:g=${g}:b=${b}`;
      await run(detected.program, ['-v', 'error', '-f', 'lavfi', '-i', geq, '-frames:v', '1', '-y', path]);
      frames.push({ frame: i, path });
    }
    for (const view of ['srgb', 'filmic'] as const) {
      const { path } = await encode(frames, 'mp4', { view, crf: 1 });
      for (const [i, level] of [0.18, 1, 4].entries()) {
        const [red = 0] = at(await pictureOf(path, i), 80, 45);
        expect(
          Math.abs(red - toDisplay(level, { view, exposure: 0 }) * 255),
          `${view} ${level}`,
        ).toBeLessThan(5);
      }
    }
  });
});

function brightest(pixels: Buffer): number {
  let most = 0;
  for (let i = 0; i < pixels.length; i += 4) most = Math.max(most, pixels[i] ?? 0);
  return most;
}
