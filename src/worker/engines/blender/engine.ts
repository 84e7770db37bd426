import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import {
  EngineFailure,
  type DetectedProgram,
  type Engine,
  type SessionSpec,
  type StartSpec,
  type StartedEngine,
} from '../engine.ts';
import { startWarm } from '../warm-session.ts';
import { detectBlender, isPython } from './detect.ts';
import { blenderReason, parseBlenderLine } from './parse-output.ts';

const SESSION = join(import.meta.dirname, 'session.py');
/** SIGINT lets Blender end cleanly, which may take it 1.6 s; whoever cancels does not wait that long. */
const GRACE_MS = 1_000;

/** Blender, with the scene kept loaded between frames: the program, or PyPI's `bpy` in a virtual environment. */
export const blenderEngine: Engine = {
  id: 'blender',
  // It prints every sample, but nothing while it builds a large scene for rendering, and Workbench prints nothing.
  timeouts: { start: 600, silence: 3_600, frame: 86_400 },
  reusable: true,
  detect: detectBlender,
  start: startBlender,
  open: async (spec) => {
    loadFields(spec); // a job that cannot be rendered needs no Blender
    return (await startBlender({ ...spec, ...spec.timeouts })).open(spec);
  },
};

async function startBlender(spec: StartSpec): Promise<StartedEngine> {
  const config = join(spec.workDir, 'blender-config');
  await mkdir(config, { recursive: true });
  const program = {
    label: 'Blender',
    argv: command(spec.detected),
    // No settings, add-ons or scripts of the user that the worker runs as.
    env: { BLENDER_USER_RESOURCES: config, BLENDER_USER_CONFIG: config, BLENDER_USER_SCRIPTS: config },
    cwd: spec.workDir,
    readLine: parseBlenderLine,
    endMarker: (id: number) => `farmhand: end of frame ${id}`,
    reason: blenderReason,
    graceMs: GRACE_MS,
  };
  return startWarm(program, spec, loadFields);
}

/** @throws EngineFailure where it needs a scene or its settings are not right */
function loadFields({ scenePath, settings, data, output, threads }: SessionSpec): Record<string, unknown> {
  if (scenePath === null) throw new EngineFailure('scene', 'Blender needs a scene.');
  return { scenePath, settings: settingsOf('blender', settings), data, output, threads };
}

function command({ program, version }: DetectedProgram): [string, ...string[]] {
  if (isPython(program)) return [program, '-s', SESSION];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const offline = major > 4 || (major === 4 && minor >= 2) ? ['--offline-mode'] : [];
  // `-Y`: nothing in a .blend runs by itself. That is no security boundary, but it keeps honest files honest.
  return [
    program,
    ...['-b', '--factory-startup', '-Y', '-noaudio', ...offline],
    ...['--python-exit-code', '64', '--python', SESSION],
  ];
}
