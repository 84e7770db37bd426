import { mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataOf, settingsOf } from '../checked-settings.ts';
import { readPovIni, type PovIni } from '../../../shared/scenes/pov-ini.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
} from '../engine.ts';
import { detectProgram } from '../definition/detect.ts';
import { runProgram } from '../definition/run-program.ts';
import { ownDefinition } from '../definition/output-rules.ts';
import { OneShotRunner } from '../one-shot.ts';
import { povrayArguments, type PovraySettings } from './arguments.ts';

const LIBRARY = '.farmhand-library';
const OUTPUT = '.farmhand-output';

/** POV-Ray 3.7 and later: one process a frame. */
export const povrayEngine: Engine = {
  id: 'povray',
  get timeouts() {
    return ownDefinition('povray').timeouts;
  },
  reusable: false,
  detect: () => detectProgram(ownDefinition('povray')),
  open: async (spec) => {
    if (spec.scenePath === null) throw new EngineFailure('scene', 'POV-Ray needs a scene.');
    const isIni = /\.ini$/i.test(spec.scenePath);
    const ini = isIni ? readPovIni(await readFile(spec.scenePath, 'latin1')) : null;
    return new PovraySession(spec, spec.scenePath, settingsOf('povray', spec.settings), ini);
  },
};

class PovraySession implements EngineSession {
  readonly #spec: SessionSpec;
  readonly #scenePath: string;
  readonly #settings: PovraySettings;
  readonly #ini: PovIni | null;
  readonly #runner: OneShotRunner;
  #frames = 0;

  constructor(spec: SessionSpec, scenePath: string, settings: PovraySettings, ini: PovIni | null) {
    this.#spec = spec;
    this.#scenePath = scenePath;
    this.#settings = settings;
    this.#ini = ini;
    this.#runner = new OneShotRunner(spec);
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const folder = join(this.#spec.workDir, `pov-${++this.#frames}`);
    const scene = await this.#prepare(folder);
    try {
      return await this.#run(folder, scene, request);
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

  /**
   * A folder in which POV-Ray finds the scene's files first (before its own library), and in which scenes that write
   * files do no harm. Its fixed names keep whatever the scene's files are called off the command line.
   * @returns the scene's name in it
   */
  async #prepare(folder: string): Promise<string> {
    await mkdir(join(folder, OUTPUT), { recursive: true });
    // Scenes may name commands to run before and after a frame; this is how POV-Ray is told not to.
    await mkdir(join(this.#spec.workDir, '.povray', '3.7'), { recursive: true });
    await writeFile(
      join(this.#spec.workDir, '.povray', '3.7', 'povray.conf'),
      '[File I/O Security]\nnone\n[Shellout Security]\nforbidden\n',
    );
    const source = dirname(this.#scenePath);
    await symlink(source, join(folder, LIBRARY));
    for (const name of await readdir(source)) {
      if (name !== LIBRARY && name !== OUTPUT) await symlink(join(source, name), join(folder, name));
    }
    const own = basename(this.#scenePath);
    if (/^\w[\w.-]*$/.test(own)) return own;
    const plain = this.#ini ? 'farmhand-scene.ini' : 'farmhand-scene.pov';
    await rm(join(folder, plain), { force: true });
    await symlink(this.#scenePath, join(folder, plain));
    return plain;
  }

  async #run(folder: string, scene: string, request: FrameRequest): Promise<RenderedFrame> {
    const spec = this.#spec;
    const options = povrayArguments({
      scene,
      ini: this.#ini,
      frame: request.frame,
      output: `${OUTPUT}/f_`,
      library: LIBRARY,
      settings: this.#settings,
      data: dataOf('povray', spec.data) as Record<string, number>,
      width: spec.output.width,
      height: spec.output.height,
      threads: spec.threads,
    });
    const definition = ownDefinition('povray', spec.detected.version);
    const start = performance.now();
    const run = { args: options, cwd: folder, signal: request.signal };
    const { report, peakMemoryBytes } = await runProgram(this.#runner, definition, run, ({ fraction }) => {
      if (fraction !== undefined) request.progress(fraction);
    });
    return {
      files: [{ name: 'main', path: await takePicture(join(folder, OUTPUT), request.outDir) }],
      seconds: (performance.now() - start) / 1000,
      peakMemoryBytes: peakMemoryBytes || null,
      warnings: report.warnings,
    };
  }
}

async function takePicture(folder: string, outDir: string): Promise<string> {
  // The number of digits follows the animation's length; beside the picture lies a state file while it is rendered.
  const pictures = (await readdir(folder)).filter((name) => name.endsWith('.png'));
  const [name] = pictures;
  if (name === undefined || pictures.length > 1)
    throw new EngineFailure('bad-output', `POV-Ray left ${pictures.length} pictures instead of one.`);
  const path = join(outDir, 'frame.png');
  await rename(join(folder, name), path);
  return path;
}
