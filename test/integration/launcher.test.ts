import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** A checkout in which only the launcher is real: the rest says what it was started with. */
let root: string;
let cache: string;
let folder: string;
let bin: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-launcher-'));
  root = join(folder, 'check out');
  cache = join(folder, 'cache');
  bin = join(folder, 'bin');
  await mkdir(join(root, 'src', 'cli'), { recursive: true });
  await mkdir(bin);
  await copyFile(join(import.meta.dirname, '..', '..', 'farmhand'), join(root, 'farmhand'));
  await writeFile(
    join(root, 'src', 'cli', 'main.ts'),
    'console.log(JSON.stringify(process.argv.slice(2)));\n',
  );
  const manifest = { name: 'launched', version: '1.0.0', type: 'module' };
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest));
  await writeFile(
    join(root, 'package-lock.json'),
    JSON.stringify({ ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest } }),
  );
});
afterEach(() => rm(folder, { recursive: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function launch(
  args: string[],
  { path, program = join(root, 'farmhand') }: { path?: string; program?: string } = {},
) {
  const node = dirname(process.execPath);
  const env = { ...process.env, FARMHAND_CACHE: cache, PATH: path ?? `${node}:${process.env['PATH'] ?? ''}` };
  return new Promise<Outcome>((resolve) => {
    execFile('/bin/sh', [program, ...args], { env, cwd: '/' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

test('hands over its arguments as they are, and installs packages only when the lockfile changed', async () => {
  const args = ['jobs', '--json', 'two words', '*', ''];
  const first = await launch(args);
  expect(first.stderr).toContain('installing npm packages');
  expect(JSON.parse(first.stdout)).toEqual(args);
  const second = await launch(args);
  expect(second).toEqual({ code: 0, stdout: first.stdout, stderr: '' });
  await writeFile(
    join(root, 'package-lock.json'),
    `${await readFile(join(root, 'package-lock.json'), 'utf8')}\n`,
  );
  expect((await launch([])).stderr).toContain('installing npm packages');
});

test('works through a symbolic link', async () => {
  const link = join(bin, 'farmhand');
  await symlink(join(root, 'farmhand'), link);
  expect(await launch(['status'], { program: link })).toMatchObject({ code: 0, stdout: '["status"]\n' });
});

test('says what to install when there is no Node, and starts nothing', async () => {
  for (const tool of ['dirname', 'mkdir', 'readlink', 'uname', 'cksum', 'cat', 'rm'])
    await symlink(`/usr/bin/${tool}`, join(bin, tool));
  const outcome = await launch(['up'], { path: bin });
  expect(outcome).toMatchObject({ code: 1, stdout: '' });
  expect(outcome.stderr).toContain('Node.js with npm is not installed. Install Node.js 20 or newer');
});

test('a lock that a killed launcher left is taken over', async () => {
  const killed = spawn('true');
  await new Promise((resolve) => killed.once('exit', resolve));
  await mkdir(join(cache, 'launcher.lock'), { recursive: true });
  await writeFile(join(cache, 'launcher.lock', 'pid'), String(killed.pid));
  expect((await launch(['status'])).code).toBe(0);
  expect(existsSync(join(cache, 'launcher.lock'))).toBe(false);
});

test('two at once install one after the other and leave no lock', async () => {
  const outcomes = await Promise.all([launch(['a']), launch(['b'])]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  expect(outcomes.filter(({ stderr }) => stderr.includes('installing npm packages'))).toHaveLength(1);
  expect(await readdir(cache)).not.toContain('launcher.lock');
});
