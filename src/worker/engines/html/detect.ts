import { findOnPath, isProgram } from '../../../shared/programs/find-on-path.ts';
import type { DetectedProgram } from '../engine.ts';
import { probe } from '../probe.ts';

/** By name on PATH; the last ones are where macOS keeps them. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Chromium or Chrome: the one that FARMHAND_CHROMIUM names, or else the first that is found. */
export async function detectChromium(): Promise<DetectedProgram | null> {
  const named = process.env['FARMHAND_CHROMIUM'];
  const candidates = named === undefined ? [...NAMES.map((name) => findOnPath(name)), ...PLACES] : [named];
  for (const program of candidates) {
    if (program === undefined || !isProgram(program)) continue;
    const printed = await probe(program, ['--version']);
    const version = /(?:Chromium|Google Chrome|Chrome for Testing)\s+(\d+(?:\.\d+){1,3})/.exec(
      printed ?? '',
    )?.[1];
    if (version !== undefined) return { version, features: [], program };
  }
  return null;
}
