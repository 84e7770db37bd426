import { dirname, join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import {
  EngineFailure,
  type Engine,
  type SessionSpec,
  type StartSpec,
  type StartedEngine,
} from '../engine.ts';
import { startWarm } from '../warm-session.ts';
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
  start: startLottie,
  open: async (spec) => (await startLottie({ ...spec, ...spec.timeouts })).open(spec),
};

function startLottie(spec: StartSpec): Promise<StartedEngine> {
  const program = {
    label: 'The Lottie session',
    argv: [spec.detected.program, '--disable-warning=ExperimentalWarning', SESSION] as const,
    cwd: dirname(SESSION),
    graceMs: 0,
    reloads: true,
  };
  return startWarm(program, spec, loadFields);
}

/** @throws EngineFailure where it needs a scene or its settings are not right */
function loadFields({
  scenePath,
  settings,
  data,
  output,
  threads,
  paths,
}: SessionSpec): Record<string, unknown> {
  if (scenePath === null) throw new EngineFailure('scene', 'Lottie needs a scene.');
  const { background, quality } = settingsOf('lottie', settings) as { background?: string; quality?: number };
  const { format, width, height } = output;
  const options: LottieOptions = { scenePath, data, background, quality, format, width, height, paths };
  return { options, threads };
}
