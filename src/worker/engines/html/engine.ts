import { dirname, join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import {
  EngineFailure,
  type Engine,
  type SessionSpec,
  type StartSpec,
  type StartedEngine,
} from '../engine.ts';
import { detectProgram } from '../definition/detect.ts';
import { ownDefinition } from '../definition/output-rules.ts';
import { startWarm } from '../warm-session.ts';
import type { HtmlOptions, HtmlSettings } from './renderer.ts';

const SESSION = join(import.meta.dirname, 'session.ts');

/** Web pages in a headless Chromium whose time stands still between frames; each session has a browser of its own, each row a page of its own. */
export const htmlEngine: Engine = {
  id: 'html',
  get timeouts() {
    return ownDefinition('html').timeouts;
  },
  reusable: true,
  detect: () => detectProgram(ownDefinition('html')),
  start: startHtml,
  open: async (spec) => (await startHtml({ ...spec, ...spec.timeouts })).open(spec),
};

function startHtml(spec: StartSpec): Promise<StartedEngine> {
  const program = {
    label: 'The HTML session',
    argv: [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      SESSION,
      spec.detected.program,
    ] as const,
    cwd: dirname(SESSION),
    // `[pid:tid:time:FATAL:file.cc:1] why`
    reason: (lines: readonly string[]) => lines.find((line) => /:FATAL:|^Chromium did not start/.test(line)),
    graceMs: 0,
    reloads: true,
  };
  return startWarm(program, spec, loadFields);
}

/** @throws EngineFailure where it needs a scene or its settings are not right */
function loadFields(spec: SessionSpec): Record<string, unknown> {
  const { scenePath, sceneRoot, data, output, threads, paths } = spec;
  if (scenePath === null || sceneRoot === null) throw new EngineFailure('scene', 'HTML needs a scene.');
  const { format, width, height, fps } = output;
  const { startSeconds } = spec.timeouts;
  const settings = settingsOf('html', spec.settings) as HtmlSettings;
  const options: HtmlOptions = {
    ...{ scenePath, sceneRoot, paths, data, settings },
    ...{ format, width, height, fps, startSeconds },
  };
  return { options, threads };
}
