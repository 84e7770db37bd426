import { stat } from 'node:fs/promises';
import { isProgram } from '../../../shared/programs/find-on-path.ts';
import { installedProgram } from '../../../shared/programs/installed-engines.ts';
import type { DetectedProgram, DetectOptions } from '../engine.ts';
import { candidates } from '../definition/detect.ts';
import { ownDefinition } from '../definition/output-rules.ts';
import { probe } from '../probe.ts';

export function isPython(program: string): boolean {
  return /(?:^|\/)python[\d.]*$/.test(program);
}

/** Builds without Cycles have no denoiser either. */
const QUESTION = `
import bpy
try:
    import _cycles
    oidn = bool(_cycles.with_openimagedenoise)
except ImportError:
    oidn = False
print("farmhand", bpy.app.version_string, oidn)
`;

/**
 * Asking takes a second and a half; the answer holds as long as the program is the same file. That there was no answer is
 * not remembered: the machine may have been too busy to give one in time.
 */
const known = new Map<string, { stamp: string; found: DetectedProgram }>();

/** Blender 3.0 or later: the program on PATH, or the `bpy` module in the cache folder. */
export async function detectBlender({ cacheDir }: DetectOptions): Promise<DetectedProgram | null> {
  const installed = cacheDir === undefined ? undefined : installedProgram('blender', cacheDir);
  for (const program of [...candidates(ownDefinition('blender').find), installed]) {
    if (program === undefined || !isProgram(program)) continue;
    const { mtimeMs, size } = await stat(program);
    const stamp = `${mtimeMs} ${size}`;
    const before = known.get(program);
    const found = before?.stamp === stamp ? before.found : await ask(program);
    if (!found) continue;
    known.set(program, { stamp, found });
    return found;
  }
  return null;
}

async function ask(program: string): Promise<DetectedProgram | null> {
  const args = isPython(program)
    ? ['-c', QUESTION]
    : ['-b', '--factory-startup', '-Y', '--python-exit-code', '64', '--python-expr', QUESTION];
  return parseAnswer((await probe(program, args)) ?? '', program);
}

export function parseAnswer(printed: string, program: string): DetectedProgram | null {
  const match = /^farmhand (\d+)(\.\d+\.\d+)\S*.* (True|False)$/m.exec(printed);
  if (!match?.[1] || !match[2] || Number(match[1]) < 3) return null;
  return { version: `${match[1]}${match[2]}`, features: match[3] === 'True' ? ['oidn'] : [], program };
}
