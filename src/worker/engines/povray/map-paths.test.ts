import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mapPaths } from './map-paths.ts';

describe("paths in POV-Ray's scenes", () => {
  let folder: string;
  let show: string;
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'farmhand-pov-')));
    show = join(folder, 'mnt');
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(path: string, text: string): Promise<string> {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  }
  const map = (scene: string): Promise<string | undefined> =>
    mapPaths(
      scene,
      [
        { from: 'S:\\show', to: show },
        { from: '/Volumes/show', to: show },
      ],
      join(folder, 'copies'),
    );

  it('are mapped in what an include includes, each in a copy of its own', async () => {
    const wood = await put('mnt/tex/Wood.png', 'x');
    await put('scene/a.inc', '#include "b.inc"\n');
    await put('scene/b.inc', 'pigment { image_map { png "/Volumes/show/tex/Wood.png" } }\n');
    const scene = await put('scene/s.pov', '#include "a.inc"\n');
    const includedBy = async (file: string): Promise<string> =>
      /"(.*)"/.exec(await readFile(file, 'utf8'))?.[1] ?? '';
    const a = await includedBy((await map(scene)) ?? '');
    const b = await includedBy(a);
    expect(b).not.toBe(a);
    expect(await includedBy(b)).toBe(wood);
  });

  it('lead to where the storage lies here, in what is included, too', async () => {
    const wood = await put('mnt/tex/Wood.png', 'x');
    await put('mnt/lib/floor.inc', '#declare F = pigment { image_map { png "/Volumes/show/tex/Wood.png" } }');
    await put('scene/near.inc', '#declare N = pigment { image_map { png "S:/show/tex/wood.png" } }');
    await put('scene/plain.inc', '#declare P = 1;');
    const scene = await put(
      'scene/s.pov',
      '#include "near.inc"\n#include "plain.inc"\n#include "S:\\\\show\\\\lib\\\\floor.inc"\n' +
        '#include "colors.inc" // "S:/show/not-there.inc"\ntext { ttf "é.ttf" "S:/other/a" 1, 0 }\n',
    );
    const copy = (await map(scene)) ?? '';
    const lines = (await readFile(copy, 'utf8')).split('\n');
    const included = (line: number): string => /"(.*)"/.exec(lines[line] ?? '')?.[1] ?? '';
    expect(await readFile(included(0), 'utf8')).toContain(`png "${wood}"`);
    expect(included(1)).toBe('plain.inc');
    expect(await readFile(included(2), 'utf8')).toContain(`png "${wood}"`);
    expect(lines.slice(3)).toEqual([
      '#include "colors.inc" // "S:/show/not-there.inc"',
      'text { ttf "é.ttf" "S:/other/a" 1, 0 }',
      '',
    ]);
  });

  it('that are not there leave a scene as it is', async () => {
    const itself = await put('scene/s.pov', '#include "S:/show/a.inc"\n#include "s.pov"');
    expect(await map(itself)).toBeUndefined();
    await put('mnt/a.inc', '#declare A = 1;');
    expect(await map(itself)).toBeDefined();
    expect(await mapPaths(itself, [], join(folder, 'copies'))).toBeUndefined();
  });
});
