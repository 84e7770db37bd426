import { findOnPath, isProgram } from '../../../shared/programs/find-on-path.ts';
import { installedProgram } from '../../../shared/programs/installed-engines.ts';
import type { DetectedProgram, DetectOptions } from '../engine.ts';
import { probe } from '../probe.ts';

/** FFmpeg 5.1 or later with libx264, on PATH or in the cache folder; a build without that encoder cannot make an mp4 here. */
export async function detectFfmpeg({ cacheDir }: DetectOptions): Promise<DetectedProgram | null> {
  const installed = cacheDir === undefined ? undefined : installedProgram('ffmpeg', cacheDir);
  for (const program of [findOnPath('ffmpeg'), installed]) {
    if (program === undefined || !isProgram(program)) continue;
    const [version, encoders] = await Promise.all([
      probe(program, ['-version']),
      probe(program, ['-hide_banner', '-encoders']),
    ]);
    const found = parseFfmpegVersion(version ?? '');
    if (found !== null && encoders?.includes(' libx264 ') === true)
      return { version: found, features: ['h264'], program };
  }
  return null;
}

/** `ffmpeg version 5.1.9-0+deb12u1 …`, `n9.0.2-17-g…`; builds from the development branch are called `N-<revision>-…`. */
export function parseFfmpegVersion(printed: string): string | null {
  const name = /^ffmpeg version (\S+)/m.exec(printed)?.[1];
  if (name === undefined) return null;
  const release = /^n?(\d+(?:\.\d+)*)/.exec(name)?.[1];
  if (release === undefined) return name.slice(0, 40);
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 1) ? release : null;
}
