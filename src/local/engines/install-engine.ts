import { existsSync } from 'node:fs';
import { chmod, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '../../shared/domain/errors.ts';
import { findOnPath } from '../../shared/programs/find-on-path.ts';
import { installedProgram, type InstallableEngine } from '../../shared/programs/installed-engines.ts';
import { installAtomically, type Progress } from '../downloads/fetch-program.ts';
import { runProgram } from '../downloads/run-program.ts';
import {
  BLENDER_PYTHON,
  BLENDER_RELEASES,
  FFMPEG_RELEASE,
  requirementsFile,
  type PinnedRelease,
} from './pinned-engines.ts';

const MINUTES = 60_000;
const PIP = ['-m', 'pip', '--disable-pip-version-check', '--no-input'];
const ONLY_PINNED = ['--quiet', '--no-deps', '--require-hashes', '--only-binary=:all:'];

export interface InstalledEngine {
  engine: InstallableEngine;
  /** The program that workers of this machine will use. */
  program: string;
  /** What was installed, in pip's words. */
  release: string;
  /** It was there before. */
  existing: boolean;
}

/**
 * Puts an engine into the cache folder, in one exact version checked by hash, through the user's own pip settings.
 * @throws FarmError `unavailable` when Python is missing or of the wrong version, pip is offline, or there is no file
 * for this machine
 */
export async function installEngine(
  engine: InstallableEngine,
  cache: string,
  progress: Progress,
): Promise<InstalledEngine> {
  const program = installedProgram(engine, cache);
  const release = engine === 'ffmpeg' ? FFMPEG_RELEASE : BLENDER_RELEASES[0];
  const result = { engine, program, release: release?.requirement ?? engine };
  if (existsSync(program)) return { ...result, existing: true };
  await (engine === 'ffmpeg' ? installFfmpeg(cache, progress) : installBlender(cache, progress));
  if (!existsSync(program))
    throw new FarmError('unavailable', `${result.release} was fetched, but holds no ${program}.`);
  return { ...result, existing: false };
}

async function installFfmpeg(cache: string, progress: Progress): Promise<void> {
  progress('fetching FFmpeg (about 70 MB)');
  await installAtomically(join(cache, 'engines', 'ffmpeg'), async (staging) => {
    const requirements = await writeRequirements(staging, [FFMPEG_RELEASE]);
    await runProgram('python3', [...PIP, 'download', ...ONLY_PINNED, '--dest', staging, '-r', requirements]);
    const wheel = (await readdir(staging)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new FarmError('unavailable', 'pip fetched no FFmpeg for this machine.');
    const unpacked = join(staging, 'unpacked');
    await runProgram('python3', ['-m', 'zipfile', '-e', join(staging, wheel), unpacked]);
    const binaries = join(unpacked, 'imageio_ffmpeg', 'binaries');
    const program = (await readdir(binaries)).find((name) => name.startsWith('ffmpeg-'));
    if (program === undefined) throw new FarmError('unavailable', `${wheel} holds no FFmpeg.`);
    await rename(join(binaries, program), join(staging, 'ffmpeg'));
    await chmod(join(staging, 'ffmpeg'), 0o755);
    await rm(unpacked, { recursive: true });
    await rm(join(staging, wheel));
  });
}

async function installBlender(cache: string, progress: Progress): Promise<void> {
  const python = await findPython();
  progress('fetching Blender as a Python module (about 350 MB, 900 MB on the disk)');
  await installAtomically(join(cache, 'engines', 'blender'), async (staging) => {
    const requirements = await writeRequirements(staging, BLENDER_RELEASES);
    await runProgram(python, ['-m', 'venv', staging]);
    // A virtual environment finds itself by where its python is, so it can be moved; only its scripts cannot.
    const own = join(staging, 'bin', 'python');
    await runProgram(own, [...PIP, 'install', '--no-cache-dir', ...ONLY_PINNED, '-r', requirements], {
      timeoutMs: 30 * MINUTES,
    });
    progress('trying it');
    await runProgram(own, ['-c', 'import bpy'], { timeoutMs: 5 * MINUTES });
  });
}

async function writeRequirements(folder: string, releases: readonly PinnedRelease[]): Promise<string> {
  const file = join(folder, 'pinned.txt');
  await writeFile(file, requirementsFile(releases));
  return file;
}

/** @throws FarmError `unavailable` that says how to get the one Python that `bpy` exists for */
async function findPython(): Promise<string> {
  const question = 'import sys; print("%d.%d" % sys.version_info[:2])';
  for (const name of [`python${BLENDER_PYTHON}`, 'python3', 'python']) {
    const path = findOnPath(name);
    if (path === undefined) continue;
    // A version manager's stand-in may be there without the Python that it stands for.
    const version = await runProgram(path, ['-c', question], { timeoutMs: MINUTES }).catch(() => '');
    if (version.trim() === BLENDER_PYTHON) return path;
  }
  throw new FarmError(
    'unavailable',
    `Blender as a Python module needs Python ${BLENDER_PYTHON}, which is not on the PATH. Install it (Debian 12: ` +
      'apt install python3.11 python3.11-venv) and try again, or install Blender itself (apt install blender, or ' +
      'from blender.org, with its folder on the PATH).',
  );
}
