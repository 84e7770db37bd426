import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Measures } from '../../src/shared/contracts/quality.ts';
import { measurePicture } from '../../src/shared/quality/measure-picture.ts';
import { measureVideo, type MediaTools } from '../../src/shared/quality/video/measure-video.ts';
import { need } from '../support/needs.ts';

const here = need('blender');

/** One render, written in every way that Blender has: EXR in one layer and in several, HDR, and TIFF of 16 bits. */
const SCRIPT = `
import bpy, os, sys
folder = sys.argv[-1]
s = bpy.context.scene
s.render.engine = 'CYCLES'; s.cycles.device = 'CPU'; s.cycles.samples = 2; s.cycles.use_denoising = False
s.render.resolution_x = 133; s.render.resolution_y = 77; s.render.resolution_percentage = 100
s.view_settings.view_transform = 'Standard'
bpy.context.view_layer.use_pass_z = True
s.render.image_settings.file_format = 'OPEN_EXR_MULTILAYER'
bpy.ops.render.render()
image = bpy.data.images['Render Result']
settings = s.render.image_settings
for kind in ('OPEN_EXR', 'OPEN_EXR_MULTILAYER'):
    for depth in ('16', '32'):
        for codec in ('NONE', 'RLE', 'ZIPS', 'ZIP', 'PIZ', 'PXR24', 'B44', 'B44A', 'DWAA'):
            settings.file_format = kind; settings.color_mode = 'RGBA'; settings.color_depth = depth
            try:
                settings.exr_codec = codec
            except TypeError:
                continue  # B44 is for halves only
            image.save_render(os.path.join(folder, f'{kind}-{depth}-{codec}.exr'), scene=s)
settings.file_format = 'HDR'; settings.color_mode = 'RGB'
image.save_render(os.path.join(folder, 'a.hdr'), scene=s)
settings.file_format = 'TIFF'; settings.color_depth = '16'
image.save_render(os.path.join(folder, 'a.tif'), scene=s)
`;

describe.skipIf(here.skip)(`pictures that Blender writes${here.note}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmhand-formats-'));
    const args = [
      '-b',
      '--factory-startup',
      '--python-exit-code',
      '64',
      '--python-expr',
      SCRIPT,
      '--',
      folder,
    ];
    await promisify(execFile)('blender', args, { maxBuffer: 64_000_000 });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function measure(name: string): Promise<Measures> {
    const path = join(folder, name);
    const [fromDisk, fromMemory] = [
      await measurePicture(path, null),
      await measurePicture(path, await readFile(path)),
    ];
    expect(fromMemory.measures).toEqual(fromDisk.measures);
    return fromDisk.measures;
  }

  it.each(['OPEN_EXR-16', 'OPEN_EXR-32', 'OPEN_EXR_MULTILAYER-16', 'OPEN_EXR_MULTILAYER-32'])(
    'decodes %s to the same pixels whatever lossless compression it has',
    async (kind) => {
      const plain = await measure(`${kind}-NONE.exr`);
      expect(plain).toMatchObject({ width: 133, height: 77, notANumber: 0, infinite: 0 });
      expect(plain.channels).toBe(kind.startsWith('OPEN_EXR_M') ? 5 : 4);
      expect(plain.depth).toBe(kind.endsWith('16') ? 'half' : 'float');
      expect(plain.max[0]).toBeGreaterThan(0.2);
      for (const codec of ['RLE', 'ZIPS', 'ZIP', 'PIZ'])
        expect((await measure(`${kind}-${codec}.exr`)).pixels, codec).toBe(plain.pixels);
    },
  );

  it('decodes lossy compressions to nearly the same, and claims nothing of DWAA', async () => {
    const plain = await measure('OPEN_EXR-16-NONE.exr');
    const alike = ['OPEN_EXR-16-B44.exr', 'OPEN_EXR-16-B44A.exr', 'OPEN_EXR-32-PXR24.exr', 'a.hdr'];
    for (const name of alike) {
      const { mean, max } = await measure(name);
      for (const channel of [0, 1, 2]) {
        expect(mean[channel], name).toBeCloseTo(plain.mean[channel]!, 2);
        expect(max[channel], name).toBeCloseTo(plain.max[channel]!, 1);
      }
    }
    await expect(measure('OPEN_EXR-16-DWAA.exr')).rejects.toThrow('compression DWAA are not decoded');
  });

  it('keeps the sixteen bits of a TIFF', async () => {
    const { depth, max } = await measure('a.tif');
    expect(depth).toBe('uint16');
    expect(max[0]! % 257).not.toBe(0);
  });

  it('refuses each of them cut anywhere', async () => {
    for (const name of [
      'OPEN_EXR-16-PIZ.exr',
      'OPEN_EXR_MULTILAYER-32-ZIP.exr',
      'OPEN_EXR-16-B44A.exr',
      'OPEN_EXR-16-DWAA.exr',
      'a.hdr',
    ]) {
      const bytes = await readFile(join(folder, name));
      for (const share of [0.01, 0.3, 0.6, 0.99, 0.9999]) {
        const cut = bytes.subarray(0, Math.floor(bytes.length * share));
        await expect(measurePicture(join(folder, name), cut), `${name} ${share}`).rejects.toMatchObject({
          name: 'Unreadable',
        });
      }
    }
  });
});

const films = need('ffmpeg');

describe.skipIf(films.skip)(`films${films.note}`, () => {
  it('are not play lists, whatever their name says', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'farmhand-films-'));
    try {
      const [film, piece, list] = ['film.mp4', 'piece.ts', 'list.mp4'].map((name) => join(folder, name));
      for (const to of [film!, piece!])
        await promisify(execFile)('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=d=1:s=64x64', to]);
      const head = '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n';
      await writeFile(list!, `${head}#EXTINF:1.0,\n${piece!}\n#EXT-X-ENDLIST\n`);
      for (const ffprobe of ['ffprobe', null]) {
        const tools: MediaTools = { ffmpeg: 'ffmpeg', ffprobe, run: runLines };
        expect((await measureVideo(film!, tools)).frames).toBe(25);
        await expect(measureVideo(list!, tools)).rejects.toMatchObject({ name: 'Unreadable' });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function runLines(
  [program, ...args]: readonly [string, ...string[]],
  onLine: (line: string) => void,
): Promise<{ code: number | null }> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      for (const line of `${stdout}\n${stderr}`.split('\n')) onLine(line);
      resolve({ code: error === null ? 0 : 1 });
    });
  });
}
