import { describe, expect, it } from 'vitest';
import { folderAround, gather, type DroppedFile } from './dropped-files.ts';

const dropped = (...paths: string[]): DroppedFile[] =>
  paths.map((path) => ({ path, file: new File(['x'], path) }));
const pathsOf = (files: readonly DroppedFile[]): string[] => files.map(({ path }) => path);

describe('what was dropped', () => {
  it('begins inside the folder around everything', () => {
    expect(folderAround(dropped('show/a.blend', 'show/tex/b.png'))).toBe('show/');
    expect(folderAround(dropped('show/a.blend', 'b.png'))).toBe('');
    expect(pathsOf(gather([], dropped('show/tex/b.png', 'show/a.blend')).files)).toEqual([
      'a.blend',
      'tex/b.png',
    ]);
  });

  it('replaces what has the same path, and keeps the rest', () => {
    const before = dropped('a.pov', 'b.inc');
    const again = dropped('b.inc');
    const { files } = gather(before, again);
    expect(pathsOf(files)).toEqual(['a.pov', 'b.inc']);
    expect(files[1]?.file).toBe(again[0]?.file);
  });

  it('keeps two folders apart that have files of the same path, and says so', () => {
    const a = gather([], dropped('a/scene.pov', 'a/wood.inc'));
    const b = gather(a.files, dropped('b/scene.pov', 'b/sky.inc'));
    expect(pathsOf(b.files)).toEqual(['b/scene.pov', 'b/sky.inc', 'scene.pov', 'wood.inc']);
    expect(b.notes).toEqual([
      '"scene.pov" is there already, from "a": the files of "b" are kept in a folder of that name.',
    ]);
    const again = gather(b.files, dropped('b/sky.inc'));
    expect(pathsOf(again.files)).toEqual(pathsOf(b.files));
    expect(pathsOf(gather(a.files, dropped('a/scene.pov')).files)).toEqual(['scene.pov', 'wood.inc']);
  });

  it('counts what was replaced by something else', () => {
    const other = [{ path: 'a.pov', file: new File(['longer'], 'a.pov') }];
    expect(gather(dropped('a.pov'), other).notes).toEqual(['1 file of the same name was replaced.']);
  });

  it('leaves out what nobody renders, and names what cannot be stored', () => {
    const { files, refused } = gather(
      [],
      dropped('.DS_Store', '..\\x.txt', '🌙 \u202egpj.txt', 'a/../b', 'c.pov'),
    );
    expect(pathsOf(files)).toEqual(['c.pov', '🌙 \u202egpj.txt']);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatch(/Rename it/);
  });

  it('names the first refusals and counts the others', () => {
    const many = dropped(...Array.from({ length: 50 }, (_, n) => `a\\${n}`));
    expect(gather([], many).refused.at(-1)).toBe('And 30 more.');
  });

  it('takes ten thousand files at once', () => {
    const many = dropped(...Array.from({ length: 10_000 }, (_, n) => `tex/${n}.png`));
    expect(gather([], many).files).toHaveLength(10_000);
  });
});
