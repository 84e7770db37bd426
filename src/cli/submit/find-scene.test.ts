import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collectFiles } from './collect-files.ts';
import { findScene } from './find-scene.ts';

const LOTTIE = JSON.stringify({ v: '5.5', fr: 24, ip: 0, op: 10, w: 1, h: 1, layers: [] });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'farmhand-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

async function scene(wanted?: string): Promise<string> {
  return (await findScene(await collectFiles(folder), 'the folder', wanted)).path;
}

describe('findScene', () => {
  it('finds the only scene, however deep', async () => {
    put({ 'a/b/tree.pov': '', 'a/b/bark.png': '', 'package.json': '{"name":"x"}', 'notes.ini': '[x]\na=b' });
    expect(await scene()).toBe('a/b/tree.pov');
  });

  it('prefers the highest level', async () => {
    put({ 'title.json': LOTTIE, 'old/title.json': LOTTIE });
    expect(await findScene(await collectFiles(folder), 'the folder', undefined)).toEqual({
      path: 'title.json',
      passedOver: 1,
    });
  });

  it('takes the .ini for the .pov that it names', async () => {
    put({ 'float.ini': 'Input_File_Name=float.pov\nFinal_Frame=9', 'float.pov': '' });
    expect(await scene()).toBe('float.ini');
  });

  it('names the scenes to choose from, and how', async () => {
    put({ 'a.pov': '', 'b.blend': '' });
    await expect(scene()).rejects.toThrow('a.pov, b.blend. Choose one with --scene a.pov');
    expect(await scene('./b.blend')).toBe('b.blend');
    await expect(scene('c.blend')).rejects.toThrow('is not in');
  });

  it('says what it looked for when there is none', async () => {
    put({ 'readme.txt': '' });
    await expect(scene()).rejects.toThrow('.blend');
  });
});

describe('collectFiles', () => {
  it('leaves version control out and follows links inside', async () => {
    put({ '.git/config': '', 'tex/wood.png': 'x', '.DS_Store': '' });
    symlinkSync('tex/wood.png', join(folder, 'wood.png'));
    expect((await collectFiles(folder)).map((file) => file.path)).toEqual(['tex/wood.png', 'wood.png']);
  });

  it('refuses a link that would take a file from elsewhere along', async () => {
    symlinkSync('/etc/passwd', join(folder, 'passwd'));
    await expect(collectFiles(folder)).rejects.toThrow('leaves the folder');
  });

  it('refuses links to nothing and to folders, which could be circles', async () => {
    symlinkSync('nowhere', join(folder, 'gone'));
    await expect(collectFiles(folder)).rejects.toThrow('points to nothing');
    rmSync(join(folder, 'gone'));
    put({ 'tex/a.png': '' });
    symlinkSync('tex', join(folder, 'loop'));
    await expect(collectFiles(folder)).rejects.toThrow('to a folder');
  });
});
