import { cacheFolder } from '../../src/local/downloads/cache-folder.ts';
import type { DetectedProgram, Engine } from '../../src/worker/engines/engine.ts';

/**
 * The engine as this machine has it. Where it is missing, tests of it are skipped by name, except in CI, where they fail.
 */
export async function engineHere(
  engine: Engine,
  program: string,
): Promise<{ detected: DetectedProgram; skip: boolean; note: string }> {
  const detected = await engine.detect({ cacheDir: cacheFolder() });
  if (detected) return { detected, skip: false, note: '' };
  if (process.env['CI'] !== undefined) throw new Error(`CI needs ${program}, and this machine has none.`);
  const none = { version: '', features: [], program: '' };
  return { detected: none, skip: true, note: ` (skipped: no ${program})` };
}
