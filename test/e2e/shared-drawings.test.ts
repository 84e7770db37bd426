import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectScene } from '../../src/shared/scenes/inspect-scene.ts';
import type { Engine } from '../../src/worker/engines/engine.ts';
import { inkscapeEngine } from '../../src/worker/engines/inkscape/engine.ts';
import { synfigEngine } from '../../src/worker/engines/synfig/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';

const svg = (picture: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="20"><image xlink:href="${picture}" width="40" height="20" preserveAspectRatio="none"/></svg>`;
const sif = (picture: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<canvas version="1.0" width="40" height="20" xres="2834.645669" yres="2834.645669" view-box="-2 1 2 -1" antialias="1" fps="24" begin-time="0f" end-time="0f" bgcolor="0 0 0 1">
  <layer type="import" active="true" version="0.1" desc="picture">
    <param name="z_depth"><real value="0"/></param><param name="amount"><real value="1"/></param>
    <param name="tl"><vector><x>-2</x><y>1</y></vector></param><param name="br"><vector><x>2</x><y>-1</y></vector></param>
    <param name="c"><integer value="1"/></param><param name="gamma_adjust"><real value="1"/></param>
    <param name="filename"><string>${picture}</string></param>
  </layer>
</canvas>`;

const ENGINES: [name: string, engine: Engine, file: string, scene: (picture: string) => string][] = [
  ['inkscape', inkscapeEngine, 'card.svg', svg],
  ['synfig', synfigEngine, 'card.sif', sif],
];
const PATHS = [
  { from: 'S:\\show', to: '' },
  { from: '\\\\nas\\show', to: '' },
  { from: '/Volumes/show', to: '' },
];

/** Drawings that lie on shared storage, with pictures by relative paths and by those of other systems. */
for (const [name, engine, file, scene] of ENGINES) {
  const here = await engineHere(engine, name);
  describe.skipIf(here.skip)(`${name} on shared storage${here.note}`, { timeout: 120_000 }, () => {
    let harness: EngineHarness;
    let root: string;
    beforeEach(async () => {
      harness = await EngineHarness.create(engine, here.detected);
      root = join(harness.folder, 'mount');
      await mkdir(join(root, 'shots/a'), { recursive: true });
      await mkdir(join(root, 'tex'));
      const green = { create: { width: 4, height: 4, channels: 3, background: '#00ff00' } } as const;
      await sharp(green).png().toFile(join(root, 'tex/green.png'));
      await sharp(green).png().toFile(join(harness.folder, 'secret.png'));
    });
    afterEach(() => harness.dispose());

    const open = async (picture: string) => {
      await writeFile(join(root, 'shots/a', file), scene(picture));
      return await harness.open({
        scenePath: join(root, 'shots/a', file),
        sceneRoot: root,
        inPlace: true,
        paths: PATHS.map(({ from }) => ({ from, to: root })),
        output: { format: 'png' },
      });
    };

    it.each([
      '../../tex/green.png',
      's:\\SHOW\\Tex\\green.PNG',
      '\\\\nas\\show\\tex\\green.png',
      '/Volumes/show/tex/green.png',
    ])('shows %s, and writes nothing beside the scene', async (picture) => {
      const { files } = await harness.render(await open(picture), 0);
      const { pixels, width } = await decode(files[0]?.path);
      const [red = 255, green = 0, blue = 255] = pixels.subarray((10 * width + 20) * 4);
      expect({ red: red < 9, green: green > 246, blue: blue < 9 }).toEqual({
        red: true,
        green: true,
        blue: true,
      });
      expect(await readdir(join(root, 'shots/a'))).toEqual([file]);
      expect((await readdir(root)).sort()).toEqual(['shots', 'tex']);
    });

    it.each(['../../../secret.png', 'S:\\show\\..\\secret.png', 'S:\\show\\tex\\lost.png'])(
      'refuses %s',
      async (picture) => {
        await expect(open(picture)).rejects.toMatchObject({ failure: 'scene' });
      },
    );

    it('is inspected without calling such files missing, unless the storage lacks them', async () => {
      const shared = (path: string) =>
        path.startsWith('S:\\show\\')
          ? { root: 'show', path: path.slice(8).replaceAll('\\', '/'), folder: root }
          : undefined;
      const look = async (picture: string) => {
        await writeFile(join(root, 'shots/a', file), scene(picture));
        const { missing, roots, files } = await inspectScene(join(root, 'shots/a', file), undefined, {
          shared,
        });
        return { missing, roots, files: files.map(({ path }) => path) };
      };
      expect(await look('S:\\show\\Tex\\green.png')).toEqual({ missing: [], roots: ['show'], files: [file] });
      expect((await look('S:\\show\\tex\\lost.png')).missing).toEqual([
        'S:\\show\\tex\\lost.png (not on storage root show)',
      ]);
      expect((await look('/mnt/other/green.png')).missing).toHaveLength(1);
    });
  });
}
