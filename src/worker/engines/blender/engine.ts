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
import { ownDefinition, reasonReader, warmLineReader } from '../definition/output-rules.ts';
import { startWarm } from '../warm-session.ts';
import { detectBlender, isPython } from './detect.ts';

const SESSION = join(import.meta.dirname, 'session.py');

/** Blender, with the scene kept loaded between frames: the program, or PyPI's `bpy` in a virtual environment. */
export const blenderEngine: Engine = {
  id: 'blender',
  get timeouts() {
    return ownDefinition('blender').timeouts;
  },
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
  const definition = ownDefinition('blender', spec.detected.version);
  const program = {
    label: definition.label,
    argv: command(spec.detected),
    // No settings, add-ons or scripts of the user that the worker runs as.
    env: { BLENDER_USER_RESOURCES: config, BLENDER_USER_CONFIG: config, BLENDER_USER_SCRIPTS: config },
    cwd: spec.workDir,
    readLine: warmLineReader(definition),
    endMarker: (id: number) => `farmhand: end of frame ${id}`,
    reason: reasonReader(definition),
    graceMs: definition.cancel.graceSeconds * 1_000,
    reloads: true,
  };
  return startWarm(program, spec, loadFields);
}

/** @throws EngineFailure where it needs a scene or its settings are not right */
function loadFields({
  scenePath,
  inPlace,
  paths,
  settings,
  data,
  output,
  threads,
}: SessionSpec): Record<string, unknown> {
  if (scenePath === null) throw new EngineFailure('scene', 'Blender needs a scene.');
  return { scenePath, inPlace, paths, settings: settingsOf('blender', settings), data, output, threads };
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
