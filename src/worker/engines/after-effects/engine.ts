import { readFile, writeFile } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { join } from 'node:path';
import { preparedEngine } from '../definition/engine-of-definition.ts';
import { EngineFailure, type Engine, type SessionSpec } from '../engine.ts';
import { OneShotRunner } from '../one-shot.ts';
import { fillScript, fillValues } from './fill-job.ts';

/**
 * After Effects: aerender draws, and before it the application itself writes a job's data into a copy of the project, once a
 * session. Made from documentation, and not run here.
 */
export const afterEffectsEngine: Engine = preparedEngine('after-effects', withFilledProject);

/** The application's command that runs a script. */
export interface ScriptCommand {
  program: string;
  args: string[];
}

/**
 * How the After Effects beside an aerender is told to run a script: `AfterFX.exe -r` on Windows, by AppleScript on macOS.
 * https://ae-scripting.docsforadobe.dev/introduction/overview.html
 * @param aerender its absolute path
 * @throws EngineFailure `host` where the folder is not called as Adobe's installer calls it
 */
export function scriptCommand(platform: string, aerender: string, script: string): ScriptCommand {
  if (platform === 'win32')
    return { program: win32.join(win32.dirname(aerender), 'AfterFX.exe'), args: ['-noui', '-r', script] };
  const name = posix.basename(posix.dirname(aerender));
  if (!/^Adobe After Effects [\w. ()-]{1,40}$/.test(name))
    throw new EngineFailure(
      'host',
      `The worker does not know the application beside ${aerender}: expected it in a folder such as "Adobe After Effects 2025".`,
    );
  const quoted = `"${script.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return {
    program: '/usr/bin/osascript',
    args: ['-e', `tell application "${name}" to DoScriptFile ${quoted}`],
  };
}

/** @throws EngineFailure */
async function withFilledProject(spec: SessionSpec): Promise<SessionSpec> {
  const { scenePath, sceneRoot, data, workDir, detected } = spec;
  if (Object.keys(data).length === 0) return spec;
  if (scenePath === null || sceneRoot === null)
    throw new EngineFailure('scene', 'After Effects needs a scene.');
  const copy = join(workDir, 'farmhand-filled.aep');
  const result = join(workDir, 'farmhand-filled.txt');
  const script = join(workDir, 'farmhand-fill.jsx');
  const values = await fillValues(data, sceneRoot);
  await writeFile(script, fillScript({ project: scenePath, copy, result, values }));
  const { program, args } = scriptCommand(process.platform, detected.program, script);
  const runner = new OneShotRunner({ ...spec, detected: { ...detected, program } });
  try {
    await runner.run({ args, cwd: workDir, signal: spec.signal, graceMs: 10_000 });
  } finally {
    await runner.close();
  }
  judge(await readFile(result, 'utf8').catch(() => null)); // not there: the script did not run
  return { ...spec, scenePath: copy, data: {} };
}

function judge(outcome: string | null): void {
  if (outcome === 'ok') return;
  if (outcome === null)
    throw new EngineFailure(
      'host',
      'After Effects did not run the script that writes data into the project. On the worker, tick "Allow Scripts To Write Files And Access Network" in its preferences.',
    );
  throw new EngineFailure('scene', outcome.replace(/^failed: /, ''));
}
