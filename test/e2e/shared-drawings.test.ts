import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectScene } from '../../src/shared/scenes/inspect-scene.ts';
import type { Engine } from '../../src/worker/engines/engine.ts';
import { htmlEngine } from '../../src/worker/engines/html/engine.ts';
import { inkscapeEngine } from '../../src/worker/engines/inkscape/engine.ts';
import { lottieEngine } from '../../src/worker/engines/lottie/engine.ts';
import { synfigEngine } from '../../src/worker/engines/synfig/engine.ts';
import { EngineHarness, decode } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';

const svg = (picture: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="20"><style>@font-face { font-family: a; src: url("${picture}") }</style><image xlink:href="${picture}" width="40" height="20" preserveAspectRatio="none"/></svg>`;
const sif = (picture: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<canvas version="1.0" width="40" height="20" xres="2834.645669" yres="2834.645669" view-box="-2 1 2 -1" antialias="1" fps="24" begin-time="0f" end-time="0f" bgcolor="0 0 0 1">
  <layer type="import" active="true" version="0.1" desc="picture">
    <param name="z_depth"><real value="0"/></param><param name="amount"><real value="1"/></param>
    <param name="tl"><vector><x>-2</x><y>1</y></vector></param><param name="br"><vector><x>2</x><y>-1</y></vector></param>
    <param name="c"><integer value="1"/></param><param name="gamma_adjust"><real value="1"/></param>
    <param name="filename"><string>${picture}</string></param>
  </layer>
</canvas>`;

/** Its middle is what the style names; without what `<img>` names it does not render. */
const html = (picture: string): string =>
  `<!doctype html><meta name="farmhand" content="frames=0-1 width=40 height=20">
  <style>body { margin: 0 } img { position: absolute; width: 20px; height: 20px } div { width: 40px; height: 20px; background: url("${picture}") }</style><img src="${picture}"><div></div>`;
const lottie = (picture: string): string => {
  const transform = { o: { a: 0, k: 100 }, p: { a: 0, k: [0, 0, 0] }, s: { a: 0, k: [1000, 500, 100] } };
  const layer = { ty: 2, refId: 'i', ind: 1, ks: transform, ip: 0, op: 10, st: 0, sr: 1 };
  const at = Math.max(picture.lastIndexOf('/'), picture.lastIndexOf('\\')) + 1;
  const asset = { id: 'i', w: 4, h: 4, u: picture.slice(0, at), p: picture.slice(at), e: 0 };
  return JSON.stringify({
    v: '5.12.0',
    fr: 10,
    ip: 0,
    op: 10,
    w: 40,
    h: 20,
    assets: [asset],
    layers: [layer],
  });
};

const RELATIVE = '../../tex/green.png';
const OUTSIDE = '../../../secret.png';
const CLIMBS = 'S:\\show\\..\\secret.png';
const LOST = 'S:\\show\\tex\\lost.png';
const ENGINES: {
  name: string;
  engine: Engine;
  file: string;
  scene: (picture: string) => string;
  failure: string;
  refuses: string[];
  relative?: string[];
}[] = [
  {
    ...{ name: 'inkscape', engine: inkscapeEngine, file: 'card.svg', scene: svg },
    ...{ failure: 'scene', refuses: [OUTSIDE, CLIMBS, LOST] },
  },
  {
    ...{ name: 'synfig', engine: synfigEngine, file: 'card.sif', scene: sif },
    ...{ failure: 'scene', refuses: [OUTSIDE, CLIMBS, LOST] },
  },
  // Chromium asks nobody for what climbs out: it is not shown.
  {
    ...{ name: 'chromium', engine: htmlEngine, file: 'card.html', scene: html },
    ...{ failure: 'missing-asset', refuses: [OUTSIDE, LOST] },
  },
  // An animation's files are below its folder.
  {
    ...{ name: 'lottie', engine: lottieEngine, file: 'card.json', scene: lottie, relative: [] },
    ...{ failure: 'missing-asset', refuses: [OUTSIDE, CLIMBS, LOST, RELATIVE] },
  },
];
const PATHS = [
  { from: 'S:\\show', to: '' },
  { from: '\\\\nas\\show', to: '' },
  { from: '/Volumes/show', to: '' },
];

/** Drawings that lie on shared storage, with pictures by relative paths and by those of other systems. */
for (const { name, engine, file, scene, failure, refuses, relative = [RELATIVE] } of ENGINES) {
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
      ...relative,
      's:\\SHOW\\Tex\\green.PNG',
      '\\\\nas\\show\\tex\\green.png',
      'file:///Volumes/show/tex/green.png',
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

    it.each(refuses)('refuses %s', async (picture) => {
      await expect(open(picture)).rejects.toMatchObject({ failure });
    });

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
