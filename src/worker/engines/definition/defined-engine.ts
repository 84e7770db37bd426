import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import { definitionFor, type LoadedDefinition } from '../../../shared/engines/read-definition.ts';
import { ObjectCheck, fileSettings, objectSchema } from '../../../shared/engines/settings-schema.ts';
import { checkedData, checkedSettings } from '../checked-settings.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
} from '../engine.ts';
import { OneShotRunner } from '../one-shot.ts';
import { settingFiles } from '../setting-files.ts';
import { expandArguments, type InputValues, type TemplateValues } from './arguments.ts';
import { detectProgram } from './detect.ts';
import { engineVariables } from './engine-environment.ts';
import { runProgram } from './run-program.ts';
import { findOutputs, outputFile } from './outputs.ts';
import { openDefinedSession } from './session.ts';

/** An engine that its definition alone describes. */
export function definedEngine(loaded: LoadedDefinition): Engine {
  const { definition } = loaded;
  return {
    id: definition.id,
    timeouts: definition.timeouts,
    reusable: definition.session !== undefined,
    detect: () => detectProgram(definition),
    files: (settings) => settingFiles(fileSettings(definition.settings), settings),
    open: async (spec) => {
      const own = definitionFor(loaded, spec.detected.version);
      const values = await sessionValues(own, loaded.folder, spec);
      if (own.session) return openDefinedSession(own, own.session, spec, values);
      return new DefinedSession(own, spec, values);
    },
  };
}

/** What holds for all frames. @throws EngineFailure `scene` */
async function sessionValues(
  definition: EngineDefinition,
  here: string | null,
  spec: SessionSpec,
): Promise<TemplateValues> {
  const { label, settings, data, scene } = definition;
  if (scene === 'required' && spec.scenePath === null)
    throw new EngineFailure('scene', `${label} needs a scene.`);
  const given = checkedSettings(
    { label, settings: new ObjectCheck(objectSchema(settings), 'setting') },
    spec.settings,
  );
  const check = data === undefined ? null : new ObjectCheck(objectSchema(data), 'value');
  const values = checkedData({ label, data: check }, spec.data);
  const dataFile = join(spec.workDir, 'farmhand-data.json');
  await writeFile(dataFile, `${JSON.stringify(values, null, 2)}\n`);
  return {
    ...{ spec, here, dataFile, settings: given, data: values },
    ...{ request: null, out: null, inputs: {} },
  };
}

/** One process a frame. */
class DefinedSession implements EngineSession {
  readonly #definition: EngineDefinition;
  readonly #spec: SessionSpec;
  readonly #values: TemplateValues;
  readonly #runner: OneShotRunner;
  #runs = 0;

  constructor(definition: EngineDefinition, spec: SessionSpec, values: TemplateValues) {
    this.#definition = definition;
    this.#spec = spec;
    this.#values = values;
    this.#runner = new OneShotRunner(spec);
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const folder = join(this.#spec.workDir, `run-${++this.#runs}`);
    await mkdir(folder);
    try {
      return await this.#render(request, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async close(): Promise<void> {
    await this.#runner.close();
  }

  memoryBytes(): number {
    return this.#runner.memoryBytes;
  }

  async #render(request: FrameRequest, folder: string): Promise<RenderedFrame> {
    const { label, outputs = [], args = [], work } = this.#definition;
    const values = await this.#frameValues(request, folder);
    const frames = Math.max(0, ...Object.values(values.inputs).map(({ count }) => count));
    const start = performance.now();
    const run = {
      args: expandArguments(args, values),
      env: engineVariables(this.#definition, values),
      cwd: this.#folderToRunIn(folder),
      signal: request.signal,
    };
    const { report, peakMemoryBytes } = await runProgram(
      this.#runner,
      this.#definition,
      run,
      (event, sofar) => {
        if (event.fraction !== undefined) request.progress(event.fraction);
        else if (event.frame !== undefined && work === 'unit' && frames > 0)
          request.progress(Math.min(1, (sofar.frame ?? 0) / frames));
      },
    );
    return {
      files: await findOutputs(label, outputs, request.outDir, values, report.saved),
      seconds: (performance.now() - start) / 1_000,
      peakMemoryBytes: peakMemoryBytes || null,
      warnings: report.warnings,
    };
  }

  #folderToRunIn(folder: string): string {
    const { scenePath } = this.#spec;
    return this.#definition.cwd === 'scene' && scenePath !== null ? dirname(scenePath) : folder;
  }

  async #frameValues(request: FrameRequest, folder: string): Promise<TemplateValues> {
    const inputs: Record<string, InputValues> = {};
    for (const [name, files] of Object.entries(request.inputs))
      inputs[name] = await layOutInput(name, files, request.frame, join(folder, `input-${name}`));
    const settings = { ...this.#values.settings };
    for (const name of fileSettings(this.#definition.settings)) {
      const reference = settings[name];
      if (typeof reference === 'string') settings[name] = request.files[reference];
    }
    const values: TemplateValues = { ...this.#values, settings, request, inputs };
    const [main] = this.#definition.outputs ?? [];
    return main ? { ...values, out: join(request.outDir, outputFile(main, values)) } : values;
  }
}

/** A folder with another step's files in order, without gaps. */
async function layOutInput(
  name: string,
  files: FrameRequest['inputs'][string],
  frame: number,
  folder: string,
): Promise<InputValues> {
  const [first] = files;
  if (!first)
    throw new EngineFailure('scene', `The step that the input "${name}" comes from has no accepted frame.`);
  const ending = extname(first.path);
  await mkdir(folder);
  for (const [i, { path }] of files.entries())
    await symlink(path, join(folder, `${String(i).padStart(8, '0')}${ending}`));
  const file =
    files.find((one) => one.frame === frame)?.path ?? (files.length === 1 ? first.path : undefined);
  return { file, folder, count: files.length, format: ending.slice(1) };
}
