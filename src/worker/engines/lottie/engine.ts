import { dirname, join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import { EngineFailure, type Engine } from '../engine.ts';
import { WarmSession } from '../warm-session.ts';
import { canvaskitVersion } from './canvaskit-version.ts';
import type { LottieOptions } from './renderer.ts';

const SESSION = join(import.meta.dirname, 'session.ts');

/** Lottie animations with Skottie (canvaskit-wasm), each in a Node process of its own. Needs nothing installed. */
export const lottieEngine: Engine = {
  id: 'lottie',
  // A session prints nothing while it draws.
  timeouts: { start: 120, silence: 0, frame: 600 },
  reusable: true,
  detect: () => Promise.resolve({ version: canvaskitVersion(), features: [], program: process.execPath }),
  open: async (spec) => {
    if (spec.scenePath === null) throw new EngineFailure('scene', 'Lottie needs a scene.');
    const settings = settingsOf('lottie', spec.settings) as { background?: string; quality?: number };
    const options: LottieOptions = {
      scenePath: spec.scenePath,
      data: spec.data,
      background: settings.background,
      quality: settings.quality,
      format: spec.output.format,
      width: spec.output.width,
      height: spec.output.height,
    };
    return WarmSession.open({
      label: 'The Lottie session',
      spec,
      argv: [spec.detected.program, '--disable-warning=ExperimentalWarning', SESSION],
      cwd: dirname(SESSION),
      load: { options, threads: spec.threads },
      graceMs: 0,
    });
  },
};
