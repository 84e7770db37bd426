import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeHomeLock } from './home-lock.ts';
import { identityOf } from './processes/process-identity.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

test('a lock is held until it is released, and leaves nothing', async () => {
  const lock = takeHomeLock(file);
  expect(takeHomeLock(file)).toEqual({ holder: identityOf(process.pid) });
  if ('release' in lock) lock.release();
  expect(await readdir(folder)).toEqual([]);
});

test('a process that runs holds its lock; once it was killed, the lock is taken over', async () => {
  const other = spawn('sleep', ['60']);
  await once(other, 'spawn');
  const holder = identityOf(other.pid ?? 0);
  await writeFile(file, JSON.stringify(holder));
  expect(takeHomeLock(file)).toEqual({ holder });
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(takeHomeLock(file)).toHaveProperty('release');
});

test('another process with the number of a dead owner does not hold the lock', async () => {
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: '1' }));
  expect(takeHomeLock(file)).toHaveProperty('release');
});

test('releasing leaves the lock of a later owner alone', async () => {
  const lock = takeHomeLock(file);
  await writeFile(file, JSON.stringify({ pid: 1, startTime: '1' }));
  if ('release' in lock) lock.release();
  expect(existsSync(file)).toBe(true);
});
