import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findNewEnough, isAtLeast } from './find-new-enough.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-path-'));
  vi.stubEnv('PATH', `${folder}:/usr/bin:/bin`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function program(name: string, output: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\necho '${output}'\n`);
  await chmod(file, 0o755);
  return file;
}

test.each([
  ['2.12', '2.12', true],
  ['2.12.1', '2.12', true],
  ['2.9.9', '2.12', false],
  ['16', '16.0', true],
  ['4.48', '4.40', true],
  ['3.99', '4.40', false],
])('version %s against %s: %s', (version, minimum, expected) => {
  expect(isAtLeast(version, minimum)).toBe(expected);
});

test.each([
  ['nats-server: v2.15.1', '2.12'],
  ['postgres (PostgreSQL) 17.6 (Debian 17.6-1)', '16'],
  ['version 8000GB 4.48 pypi linux amd64', '4.40'],
])('takes a program that says %j', async (output, minimum) => {
  const file = await program('server', output);
  expect(await findNewEnough('server', ['--version'], minimum)).toBe(file);
});

test.each([
  ['nats-server: v2.9.25', '2.12'],
  ['postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)', '16'],
  ['version 30GB 3.97 linux amd64', '4.40'],
  ['no version at all', '1.0'],
])('passes over a program that says %j', async (output, minimum) => {
  await program('server', output);
  expect(await findNewEnough('server', ['--version'], minimum)).toBeUndefined();
});
