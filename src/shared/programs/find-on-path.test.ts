import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findOnPath } from './find-on-path.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-path-'));
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function program(name: string, mode: number): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, "#!/bin/sh\necho 'v9.9'\n");
  await chmod(file, mode);
  return file;
}

test('finds a program, also through a link', async () => {
  const file = await program('engine-9', 0o755);
  await symlink(file, join(folder, 'engine'));
  expect(findOnPath('engine-9')).toBe(file);
  expect(findOnPath('engine')).toBe(join(folder, 'engine'));
});

test('a file that may not be run is not a program', async () => {
  await program('server', 0o644);
  expect(findOnPath('server')).toBeUndefined();
});

test('a folder of that name is not a program', async () => {
  await mkdir(join(folder, 'blender-scenes'));
  expect(findOnPath('blender-scenes')).toBeUndefined();
});
