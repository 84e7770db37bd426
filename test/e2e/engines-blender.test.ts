import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspectScene } from '../../src/shared/scenes/inspect-scene.ts';
import { blenderEngine } from '../../src/worker/engines/blender/engine.ts';
import type { EngineSession } from '../../src/worker/engines/engine.ts';
import { EngineHarness, decode, type HarnessOptions } from '../support/engine-harness.ts';
import { engineHere } from '../support/engine-needs.ts';

const here = await engineHere(blenderEngine, 'blender');
const FIXTURES = join(import.meta.dirname, '../fixtures/blend');
const TURNTABLE = join(import.meta.dirname, '../../examples/blender/turntable/turntable.blend');

describe.skipIf(here.skip)(`Blender${here.note}`, () => {
  let scenes: EngineHarness;
  let harness: EngineHarness;

  beforeAll(async () => {
    scenes = await EngineHarness.create(blenderEngine, here.detected);
    const script = join(FIXTURES, 'make-render-blends.py');
    const args = basename(here.detected.program).startsWith('python')
      ? [script, scenes.folder]
      : ['-b', '--factory-startup', '--python-exit-code', '64', '--python', script, '--', scenes.folder];
    await promisify(execFile)(here.detected.program, args, { maxBuffer: 50_000_000 });
  });
  afterAll(async () => {
    await scenes.dispose();
  });
  beforeEach(async () => {
    harness = await EngineHarness.create(blenderEngine, here.detected);
  });
  afterEach(async () => {
    await harness.dispose();
  });

  const open = (name: string, more: Partial<HarnessOptions> = {}): Promise<EngineSession> =>
    harness.open({ scenePath: join(scenes.folder, name), output: { format: 'png' }, ...more });

  const middleOf = ({ width, height, pixels }: Awaited<ReturnType<typeof decode>>): number[] => {
    const at = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 4;
    return [...pixels.subarray(at, at + 3)];
  };
  // Blender dithers.
  const isRed = async (path: string | undefined): Promise<boolean> => {
    const [red = 0, green = 255, blue = 255] = middleOf(await decode(path));
    return red > 250 && green < 5 && blue < 5;
  };

  it('renders frames of one loaded scene', async () => {
    const session = await open('moving.blend');
    const first = await harness.render(session, 1);
    const fifth = await harness.render(session, 5);
    expect(await isRed(first.files[0]?.path)).toBe(true);
    expect(await isRed(fifth.files[0]?.path)).toBe(false);
    expect(first.files.map((file) => file.name)).toEqual(['main']);
    expect(first.peakMemoryBytes).toBeGreaterThan(50_000_000);
    expect(harness.log.filter((line) => line.includes('Read blend'))).toHaveLength(1);
  });

  it('renders the same when it was started before its scene was known', async () => {
    const ready = await open('moving.blend', { ready: true });
    const usual = await open('moving.blend');
    const [one, other] = [await harness.render(ready, 3), await harness.render(usual, 3)];
    expect((await decode(one.files[0]?.path)).pixels).toEqual((await decode(other.files[0]?.path)).pixels);
    await expect(open('missing.blend', { ready: true })).rejects.toThrow(/missing\.blend/);
  });

  it('renders the same after other settings in one session', async () => {
    const session = await open('moving.blend', { settings: { resolutionPercent: 50 } });
    await harness.render(session, 1);
    const scenePath = join(scenes.folder, 'moving.blend');
    await harness.reload(session, { scenePath, output: { format: 'png' } });
    const usual = await open('moving.blend');
    const [one, other] = [await harness.render(session, 3), await harness.render(usual, 3)];
    expect((await decode(one.files[0]?.path)).pixels).toEqual((await decode(other.files[0]?.path)).pixels);
  });

  it('renders the example that comes with the farm', async () => {
    const session = await harness.open({
      scenePath: TURNTABLE,
      settings: { samples: 1 },
      output: { format: 'webp', width: 160 },
    });
    const { files, warnings } = await harness.render(session, 7);
    expect(await decode(files[0]?.path)).toMatchObject({ width: 160, height: 90 });
    expect(warnings).toEqual([]);
    expect(harness.progress.at(-1)).toBe(1);
  });

  it('renders view layers and passes as further outputs', async () => {
    const session = await open('layers.blend', {
      settings: { viewLayers: ['Back ground', 'Front'], passes: ['Z', 'Normal'] },
    });
    const { files } = await harness.render(session, 1);
    expect(files.map((file) => file.name)).toEqual(['main', 'passes', 'Front', 'Front-passes']);
    expect(await isRed(files[0]?.path)).toBe(true);
    expect(await isRed(files[2]?.path)).toBe(false);
    const exr = await readFile(files[1]?.path ?? '');
    expect(exr.readUInt32LE(0)).toBe(20000630); // OpenEXR's magic number
    expect(exr.includes('Back ground.Normal.X')).toBe(true);
  });

  it('writes EXR and takes the size that is asked for', async () => {
    const session = await open('plain.blend', { output: { format: 'exr', width: 20, height: 10 } });
    const { files } = await harness.render(session, 1);
    expect((await readFile(files[0]?.path ?? '')).readUInt32LE(0)).toBe(20000630);
  });

  it('denoises where it can; where it cannot, the frame fails with the line that says so', async () => {
    const can = here.detected.features.includes('oidn');
    for (const name of ['denoised.blend', 'denoise-node.blend']) {
      const rendered = open(name).then((session) => harness.render(session, 1));
      if (can) expect(await isRed((await rendered).files[0]?.path), name).toBe(true);
      else {
        const message = expect.stringContaining('Build without OpenImageDenoiser') as string;
        await expect(rendered, name).rejects.toMatchObject({ failure: 'scene', message });
      }
    }
    const session = await open('denoised.blend', { settings: { denoise: false } });
    expect(await isRed((await harness.render(session, 1)).files[0]?.path)).toBe(true);
  });

  it('fails with Blender’s own line where the program would end well, and renders on', async () => {
    const session = await open('no-camera.blend');
    const error = {
      failure: 'scene',
      sessionUsable: true,
      message: expect.stringMatching(/no camera/i) as string,
    };
    await expect(harness.render(session, 1)).rejects.toMatchObject(error);
    await expect(harness.render(session, 2)).rejects.toMatchObject(error);
  });

  it.each([
    ['lost-texture.blend', {}, 'missing-asset', 'textures/lost.png'],
    ['plain.blend', { scene: 'Nope' }, 'scene', 'no scene "Nope"; it has: Scene'],
    ['plain.blend', { camera: 'Plane' }, 'scene', '"Plane" is no camera'],
    ['layers.blend', { viewLayers: ['Nope'] }, 'scene', 'no view layer "Nope"; it has: Back ground, Front'],
    ['plain.blend', { passes: ['Nope'] }, 'scene', 'no pass "Nope"'],
    ['gone.blend', {}, 'scene', 'gone.blend'],
  ])('does not open %s with %j', async (name, settings, failure, message) => {
    await expect(open(name, { settings })).rejects.toMatchObject({
      failure,
      message: expect.stringContaining(message) as string,
    });
  });

  it('finds linked libraries and textures beside the scene', async () => {
    const folder = join(harness.folder, 'project');
    await mkdir(folder);
    for (const name of ['library.blend', 'textures'])
      await cp(join(FIXTURES, name), join(folder, name), { recursive: true });
    await cp(join(FIXTURES, 'scene-3.4.blend'), join(folder, 's.blend'));
    const missing = harness.open({ scenePath: join(folder, 's.blend'), output: { format: 'png' } });
    await expect(missing).rejects.toThrow('The .blend needs files that are not there: textures/missing.png.');
    await symlink('grid.png', join(folder, 'textures/missing.png'));
    const session = await harness.open({ scenePath: join(folder, 's.blend'), output: { format: 'png' } });
    await expect(harness.render(session, 3)).rejects.toThrow(/no camera/i);
  });

  it('finds what a scene names by absolute paths where it lies here, libraries of libraries too', async () => {
    const [original, moved] = [join(scenes.folder, 'original'), join(harness.folder, 'moved')];
    await cp(original, moved, { recursive: true });
    await cp(join(FIXTURES, 'textures'), join(moved, 'tex'), { recursive: true });
    await rm(original, { recursive: true });
    const scenePath = join(moved, 'scene.blend');
    const inspected = await inspectScene(moved, 'scene.blend', { origin: original });
    expect(inspected.files.map((file) => file.path).sort()).toEqual([
      ...['lib/materials.blend', 'lib/objects.blend', 'scene.blend', 'tex/grid.png'],
    ]);
    const options = { scenePath, sceneRoot: moved, output: { format: 'png' } } as const;
    await expect(harness.open(options)).rejects.toMatchObject({ failure: 'missing-asset' });
    const session = await harness.open({ ...options, paths: [{ from: original, to: moved }] });
    expect(await isRed((await harness.render(session, 1)).files[0]?.path)).toBe(true);
  });

  it('puts data into materials and text objects by name', async () => {
    const session = await open('plain.blend', { data: { Glow: '#00ff00' } });
    const { files } = await harness.render(session, 1);
    const [red = 255, green = 0] = middleOf(await decode(files[0]?.path));
    expect(red).toBeLessThan(5);
    expect(green).toBeGreaterThan(250);
    await expect(open('plain.blend', { data: { Nope: 'x' } })).rejects.toThrow('scene property "Nope"');
  });

  it('runs no scripts of a file unless somebody trusts them, and asks before it renders without', async () => {
    await expect(open('scripted.blend')).rejects.toMatchObject({
      failure: 'untrusted-scripts',
      message: expect.stringMatching(/Scripts in the file were not run: .*len\(str\(frame\)\)/) as string,
    });
    // Its driver takes the red plane out of the picture.
    const without = await harness.render(
      await open('scripted.blend', { settings: { trustScripts: false } }),
      1,
    );
    expect(without.warnings.join()).toMatch(/Scripts in the file were not run/);
    expect(await isRed(without.files[0]?.path)).toBe(true);
    const trusted = await harness.render(
      await open('scripted.blend', { settings: { trustScripts: true } }),
      1,
    );
    expect(trusted.warnings).toEqual([]);
    expect(await isRed(trusted.files[0]?.path)).toBe(false);
  });

  it('is ended when it takes too long and when the frame is no longer wanted', async () => {
    const slow = await open('endless.blend', { timeouts: { frameSeconds: 2 } });
    await expect(harness.render(slow, 1)).rejects.toMatchObject({ failure: 'timeout' });
    const session = await open('endless.blend');
    const stop = new AbortController();
    // The scene never ends by itself.
    setTimeout(() => stop.abort(), 1_000);
    await expect(harness.render(session, 1, { signal: stop.signal })).rejects.toThrow('stopped');
  });

  it('refuses a file that is no .blend', async () => {
    await expect(
      harness.open({ scenePath: join(FIXTURES, 'make-blends.py'), output: { format: 'png' } }),
    ).rejects.toMatchObject({ failure: 'scene' });
  });
});
