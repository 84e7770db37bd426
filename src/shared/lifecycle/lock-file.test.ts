import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeLockFile } from './lock-file.ts';
import { identityOf, isRunning } from './process-identity.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farmhand-lock-'));
  file = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true }));

const takeLock = () => takeLockFile(file, identityOf(process.pid), isRunning);

test('a lock is held until it is released, and leaves nothing', async () => {
  const lock = takeLock();
  expect(takeLock()).toEqual({ holder: identityOf(process.pid) });
  if ('release' in lock) lock.release();
  expect(await readdir(folder)).toEqual([]);
});

test('a process that runs holds its lock; once it was killed, the lock is taken over', async () => {
  const other = spawn('sleep', ['60']);
  await once(other, 'spawn');
  const holder = identityOf(other.pid ?? 0);
  await writeFile(file, JSON.stringify(holder));
  expect(takeLock()).toEqual({ holder });
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(takeLock()).toHaveProperty('release');
});

test('another process with the number of a dead owner does not hold the lock', async () => {
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: '1' }));
  expect(takeLock()).toHaveProperty('release');
});

test('releasing leaves the lock of a later owner alone', async () => {
  const lock = takeLock();
  await writeFile(file, JSON.stringify({ pid: 1, startTime: '1' }));
  if ('release' in lock) lock.release();
  expect(existsSync(file)).toBe(true);
});

test('of two that find the lock of a killed process, the quicker one keeps it', async () => {
  const quicker = { pid: process.pid, startTime: 'of another start' };
  await writeFile(file, JSON.stringify({ pid: process.pid, startTime: 'of a killed process' }));
  const lock = takeLockFile(file, identityOf(process.pid), ({ startTime }) => {
    if (startTime === quicker.startTime) return true;
    rmSync(file);
    writeFileSync(file, JSON.stringify(quicker));
    return false;
  });
  expect(lock).toEqual({ holder: quicker });
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(quicker);
  expect(await readdir(folder)).toEqual(['lock']);
});

test('a lock without its content, as a power cut leaves it, is taken over', async () => {
  await writeFile(file, '');
  expect(takeLock()).toHaveProperty('release');
});
