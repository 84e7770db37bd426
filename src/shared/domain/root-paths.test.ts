import { describe, expect, it } from 'vitest';
import {
  below,
  fileOnRoot,
  parseRootOverrides,
  parseRootReference,
  prefixProblem,
  sharedPrefix,
  type NamedRoot,
} from './root-paths.ts';

const root = (name: string, changes: Partial<NamedRoot> = {}): NamedRoot => ({
  name,
  linux: null,
  mac: null,
  windows: null,
  unc: null,
  ...changes,
});

describe('prefixes', () => {
  it('takes absolute folders of the system and nothing else', () => {
    const good = {
      linux: '/mnt/show',
      mac: '/Volumes/My Show',
      windows: 'S:\\show',
      unc: '\\\\nas\\show\\a',
    };
    for (const [system, prefix] of Object.entries(good))
      expect(prefixProblem(system as keyof typeof good, prefix), prefix).toBeUndefined();
    expect(prefixProblem('windows', 'S:\\'), 'a whole drive').toBeUndefined();
    for (const bad of [
      'mnt/show',
      './show',
      '/',
      '/mnt/show/',
      '/mnt/../etc',
      '/mnt//show',
      'S:\\show',
      '/a\nb',
    ])
      expect(prefixProblem('linux', bad), bad).toContain('/mnt/show');
    for (const bad of ['S:', 'S:show', 'S:/show', '\\show', 'S:\\show\\', 'S:\\..\\x', '/mnt/show'])
      expect(prefixProblem('windows', bad), bad).toContain('S:\\show');
    for (const bad of ['\\\\nas', '\\nas\\show', '//nas/show', '\\\\nas\\show\\', '\\\\nas\\..'])
      expect(prefixProblem('unc', bad), bad).toContain('\\\\nas\\show');
  });

  it('finds a prefix that two roots share, however it is written', () => {
    const show = root('show', { linux: '/mnt/show', windows: 'S:\\Show' });
    expect(sharedPrefix(root('x', { windows: 's:\\show' }), show)).toBe('s:\\show');
    expect(sharedPrefix(root('x', { mac: '/mnt/show' }), show)).toBe('/mnt/show');
    expect(sharedPrefix(root('x', { linux: '/mnt/show/lib' }), show), 'inside is another').toBeUndefined();
    expect(sharedPrefix(root('x', { linux: '/mnt/Show' }), show), 'Linux has capitals').toBeUndefined();
  });
});

describe('paths on a root', () => {
  it('is below a prefix by whole names only', () => {
    expect(below('/mnt/show', '/mnt/show/a/b.blend')).toBe('a/b.blend');
    expect(below('/mnt/show', '/mnt/shows/a.blend')).toBeUndefined();
    expect(below('/mnt/show', '/mnt/Show/a.blend')).toBeUndefined();
    expect(below('/mnt/show', '/mnt/show')).toBe('');
    expect(below('S:\\', 'S:\\a.blend')).toBe('a.blend');
  });

  it('knows neither slashes nor capitals apart on Windows, and keeps the file as it is written', () => {
    expect(below('S:\\show', 's:/Show\\Tex/A.PNG')).toBe('Tex/A.PNG');
    expect(below('\\\\nas\\show', '\\\\NAS\\Show\\tex\\a.png')).toBe('tex/a.png');
    expect(below('S:\\show', '/mnt/show/a')).toBeUndefined();
    expect(below('/S:/show', 'S:\\show\\a')).toBeUndefined();
  });

  it('climbs nowhere', () => {
    expect(below('/mnt/show', '/mnt/show/../etc/passwd')).toBeUndefined();
    expect(below('S:\\show', 'S:\\show\\..\\x.png')).toBeUndefined();
    expect(below('/mnt/show', '/mnt/show/./a//b')).toBe('a/b');
  });

  it('takes the longest prefix of any system', () => {
    const roots = [
      root('show', { linux: '/mnt/show', mac: '/Volumes/show', unc: '\\\\nas\\show' }),
      root('lib', { linux: '/mnt/show/lib' }),
    ];
    expect(fileOnRoot('/mnt/show/lib/tree.blend', roots)).toEqual({ root: 'lib', path: 'tree.blend' });
    expect(fileOnRoot('/mnt/show/library.blend', roots)).toEqual({ root: 'show', path: 'library.blend' });
    expect(fileOnRoot('/Volumes/show/a', roots)).toEqual({ root: 'show', path: 'a' });
    expect(fileOnRoot('\\\\nas\\show\\a', roots)).toEqual({ root: 'show', path: 'a' });
    expect(fileOnRoot('/mnt/show', roots), 'the folder itself is no file').toBeUndefined();
    expect(fileOnRoot('/data/a', roots, [{ name: 'show', prefix: '/data' }])).toEqual({
      root: 'show',
      path: 'a',
    });
  });
});

it('reads references and overrides', () => {
  expect(parseRootReference('root:show/shots/a b.blend')).toEqual({ root: 'show', path: 'shots/a b.blend' });
  for (const text of ['root:show', 'root:show/', 'root:/a', 'root:a.b/c', 'asset:show/a'])
    expect(parseRootReference(text), text).toBeUndefined();
  expect(parseRootOverrides('')).toEqual([]);
  expect(parseRootOverrides('show=/data/show, lib=D:\\lib')).toEqual([
    { name: 'show', prefix: '/data/show' },
    { name: 'lib', prefix: 'D:\\lib' },
  ]);
  for (const text of ['show', 'show=data', 'show=/a,show=/b', '=/a', 'a.b=/a'])
    expect(parseRootOverrides(text), text).toBeUndefined();
});
