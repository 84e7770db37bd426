import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BlenderFiles } from './blender-files.ts';

/** `<person>/show/shots/s.blend`, on a machine where `person` is somebody's home. */
let person: string;
let home: string;
let scene: string;

beforeEach(async () => {
  person = await realpath(await mkdtemp(join(tmpdir(), 'farmhand-blender-files-')));
  home = join(person, 'show/shots');
  scene = join(home, 's.blend');
  vi.stubEnv('HOME', person);
  vi.stubEnv('USERPROFILE', person);
  await mkdir(home, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(person, { recursive: true, force: true });
});

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(person, path)), { recursive: true });
    await writeFile(join(person, path), 'x');
  }
}

/** What comes along, relative to the person's home. */
const taken = (files: BlenderFiles): string[] =>
  files
    .result()
    .files.map(({ absolute }) => absolute.slice(person.length + 1))
    .sort();

it('takes caches of every kind from the own folder, and nothing that is no cache', async () => {
  await put('show/shots/a.vdb', 'show/shots/config.json', 'show/shots/notes.txt', 'show/shots/key.pem');
  const files = new BlenderFiles(home, {});
  expect(await files.addFolder('//', scene)).toBe(2);
  expect(taken(files)).toEqual(['show/shots/a.vdb', 'show/shots/config.json']);
});

it('takes from another folder only what nothing but a cache is called, and enters no hidden folder', async () => {
  await put(
    ...['b.vdb', 'deep/c.bphys', '.git/d.vdb', 'deep/.e/f.vdb'].map((name) => `show/cache/${name}`),
    ...['json', 'gz', 'png', 'jpg', 'obj', 'raw', 'txt'].map((ending) => `show/cache/g.${ending}`),
  );
  const files = new BlenderFiles(home, { outside: true });
  expect(await files.addFolder('//../cache', scene)).toBe(2);
  expect(taken(files)).toEqual(['show/cache/b.vdb', 'show/cache/deep/c.bphys']);
  expect(await files.addFolder('//../cache/.git', scene)).toBe(0);
});

it("walks neither somebody's home, nor a folder around it or the scene, nor a link to one", async () => {
  await put('a.vdb', 'show/b.vdb', 'show/shots/c.vdb');
  await symlink(person, join(home, 'cache'));
  const files = new BlenderFiles(home, { outside: true });
  for (const path of [person, dirname(person), '/', '//..', '//../..', '//cache'])
    expect(await files.addFolder(path, scene), path).toBe(0);
  expect(taken(files)).toEqual([]);
});

it('does not walk its own folder either where that is the home', async () => {
  await put('a.vdb', 'cache/b.vdb');
  const files = new BlenderFiles(person, { outside: true });
  expect(await files.addFolder('//', join(person, 's.blend'))).toBe(0);
  expect(await files.addFolder('//cache', join(person, 's.blend'))).toBe(1);
});

it('looks into no folder outside on a machine of others', async () => {
  await put('show/cache/w.1001.png', 'show/shots/own/w.1001.png');
  await symlink(join(person, 'show/cache'), join(home, 'link'));
  const asked: string[] = [];
  const matches = (name: string): boolean => asked.push(name) > 0;
  const files = new BlenderFiles(home, {});
  for (const path of ['//../cache/w.png', join(person, 'show/cache/w.png'), '//link/w.png', '/w.png'])
    expect(await files.addMatching(path, scene, 'picture', matches)).toBe(0);
  expect(asked).toEqual([]);
  expect(await files.addMatching('//own/w.png', scene, 'picture', matches)).toBe(1);
});

it('gives up when a scene makes it look at too many names', { timeout: 60_000 }, async () => {
  await mkdir(join(home, 'many'));
  for (let number = 0; number < 2_000; number++) await writeFile(join(home, `many/${number}.txt`), '');
  const files = new BlenderFiles(home, {});
  const look = (): Promise<number> => files.addMatching('//many/a.png', scene, 'picture', () => false);
  for (let times = 0; times < 500; times++) await look();
  await expect(look()).rejects.toThrow(/more than 1000000 files/);
  await expect(files.addFolder('//many', scene)).rejects.toThrow(/more than 1000000 files/);
});
