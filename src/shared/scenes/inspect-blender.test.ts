import { cp, mkdtemp, mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsPython } from './blender-scripts.ts';
import { ByteSource } from './byte-source.ts';
import { inspectScene } from './inspect-scene.ts';
import type { SceneInspection } from './scene-inspection.ts';

const BLENDS = join(import.meta.dirname, '../../../test/fixtures/blend');
/** What scene-3.4.blend names, and a picture that is not there. */
const PICTURE = '//textures/missing.png';

let folder: string;
let plain: Buffer;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'farmhand-blends-')));
  plain = await unpacked(join(BLENDS, 'scene-3.4.blend'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const put = async (path: string, content: string | Uint8Array = 'x'): Promise<string> => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
};

/** A scene that names `picture` instead of the missing one; its library and other picture lie beside it. */
async function putScene(path: string, picture: string): Promise<string> {
  const bytes = Buffer.from(plain);
  const at = bytes.indexOf(`${PICTURE}\0`);
  bytes.fill(0, at, at + PICTURE.length);
  bytes.write(`${picture}\0`, at, 'utf8');
  const scene = await put(path, bytes);
  await cp(join(BLENDS, 'library.blend'), join(dirname(scene), 'library.blend'));
  await cp(join(BLENDS, 'textures'), join(dirname(scene), 'textures'), { recursive: true });
  return scene;
}

const pathsOf = ({ files }: SceneInspection): string[] => files.map((file) => file.path).sort();

describe('what comes along with a .blend', () => {
  it('takes files from the folders around it, in the tree that relative paths expect', async () => {
    await put('show/tex/wall.png');
    const scene = await putScene('show/shots/a/s.blend', '//..\\..\\tex\\wall.png');
    const found = await inspectScene(scene, undefined, { outside: true });
    expect(found).toMatchObject({ root: join(folder, 'show'), scene: 'shots/a/s.blend', origin: null });
    expect(pathsOf(found)).toEqual([
      ...['shots/a/library.blend', 'shots/a/s.blend', 'shots/a/textures/grid.png', 'tex/wall.png'],
    ]);
    expect(found.missing).toEqual([]);
    expect(found.notes.join()).toContain(join(folder, 'show/tex/wall.png'));
    const closed = await inspectScene(scene);
    expect(pathsOf(closed)).not.toContain('tex/wall.png');
    expect(closed).toMatchObject({ root: dirname(scene), scene: 's.blend' });
    expect(closed.missing).toEqual([
      expect.stringMatching(/^\.\.\/\.\.\/tex\/wall\.png \(named in s\.blend; outside the folder/),
    ]);
  });

  it('takes files by absolute paths, and says which folder those begin at', async () => {
    await put('abs/tex/wall.png');
    const scene = await putScene('abs/shots/s.blend', join(folder, 'abs/tex/wall.png'));
    const found = await inspectScene(scene, undefined, { outside: true });
    expect(found).toMatchObject({ root: join(folder, 'abs'), origin: join(folder, 'abs'), missing: [] });
    expect(pathsOf(found)).toContain('tex/wall.png');
    // Elsewhere, in the tree that was uploaded, the paths lead to the same files.
    await cp(join(folder, 'abs'), join(folder, 'copy'), { recursive: true });
    await rm(join(folder, 'abs/tex'), { recursive: true });
    const options = { origin: join(folder, 'abs') };
    const copied = await inspectScene(join(folder, 'copy'), 'shots/s.blend', options);
    expect(copied.missing).toEqual([]);
    expect(pathsOf(copied)).toEqual(pathsOf(found));
  });

  it.each([
    ['//../.ssh/id_rsa', /outside the folder, and by its name no picture/],
    ['//../tokens.json', /outside the folder, and by its name no picture/],
    ['//../gone.png', /^\.\.\/gone\.png \(named in s\.blend\)$/],
    ['C:\\tex\\wall.png', /^C:\/tex\/wall\.png \(named in s\.blend\)$/],
  ])('does not take %s along', async (picture, message) => {
    for (const name of ['.ssh/id_rsa', 'tokens.json']) await put(`secret/${name}`, 'secret');
    const scene = await putScene('secret/shots/s.blend', picture);
    const found = await inspectScene(scene, undefined, { outside: true });
    expect(found.missing).toEqual([expect.stringMatching(message)]);
    expect(found.root).toBe(dirname(scene));
  });

  it('takes every tile of a UDIM texture, and no other file', async () => {
    for (const name of ['w.1001.png', 'w.1002.png', 'w.12.png', 'w.1003.jpg']) await put(`u/tex/${name}`);
    const found = await inspectScene(await putScene('u/s.blend', '//tex/w.<UDIM>.png'));
    expect(pathsOf(found).filter((path) => path.startsWith('tex/'))).toEqual([
      ...['tex/w.1001.png', 'tex/w.1002.png'],
    ]);
    const none = await inspectScene(await putScene('u2/s.blend', '//tex/w.<UDIM>.png'));
    expect(none.missing).toEqual(['tex/w.<UDIM>.png (named in s.blend)']);
  });

  it('takes caches of simulations along, and warns where there are none', async () => {
    await cp(join(BLENDS, 'details.blend'), join(folder, 'details.blend'));
    const scene = join(folder, 'details.blend');
    const without = await inspectScene(scene);
    expect(without.missing).toEqual(['points.mdd (named in details.blend)']);
    expect(without.warnings.join('\n')).toMatch(
      /cache_fluid is not there[^]*blendcache_details is not there/,
    );
    for (const file of [
      'cache_fluid/data/fluid_0001.vdb',
      'blendcache_details/a_000001_00.bphys',
      'points.mdd',
    ])
      await put(file);
    const found = await inspectScene(scene);
    expect(pathsOf(found)).toEqual([
      ...[
        'blendcache_details/a_000001_00.bphys',
        'cache_fluid/data/fluid_0001.vdb',
        'details.blend',
        'points.mdd',
      ],
    ]);
    expect(found.missing).toEqual([]);
    expect(found.warnings.join()).not.toMatch(/cache/);
  });
});

describe('what a .blend says about itself', () => {
  it('tells scenes, cameras, data and the version that wrote it', async () => {
    const found = await inspectScene(join(BLENDS, 'details.blend'));
    expect(found).toMatchObject({ madeWith: '3.4', scenes: ['Scene'], cameras: ['Close', 'Wide'] });
    expect(found.slots).toEqual([{ name: 'Title', kind: 'text' }]);
    for (const version of ['3.4', '4.5', '5.0']) {
      const other = await inspectScene(join(BLENDS, `scene-${version}.blend`));
      expect(other).toMatchObject({ madeWith: version, scenes: ['Scene', 'Another'], warnings: [] });
    }
  });

  it('warns of scripts that would run by themselves, and of no others', async () => {
    const [warning] = (await inspectScene(join(BLENDS, 'details.blend'))).warnings;
    expect(warning).toMatch(/the driver "len\(str\(frame\)\)"/);
    expect(warning).toMatch(/the text block "startup\.py"/);
    expect(warning).not.toMatch(/sin\(|notes\.txt/);
  });

  it.each([
    ['sin(frame / 10) * 2 + var', false],
    ['clamp(var, 0, 1) if frame > 3 else -(1 + 2)', false],
    ['0.5 * var', false],
    ['noise.random()', true],
    ['my_function(var)', true],
    ['bpy.context.scene["x"]', true],
    ['[1, 2][0]', true],
  ])('knows whether Blender asks Python for %s', (expression, expected) => {
    expect(needsPython(expression)).toBe(expected);
  });
});

async function unpacked(path: string): Promise<Buffer> {
  const source = await ByteSource.open(path, 1e9);
  const parts: Buffer[] = [];
  try {
    for (;;) parts.push(await source.take(1));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the end
  }
  return Buffer.concat(parts);
}
