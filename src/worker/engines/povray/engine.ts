import { mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { dataOf, settingsOf } from '../checked-settings.ts';
import { readPovIni, type PovIni } from '../../../shared/scenes/pov-ini.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type FrameRequest,
  type ProducedFile,
  type RenderedFrame,
  type SessionSpec,
} from '../engine.ts';
import { detectProgram } from '../definition/detect.ts';
import { runProgram } from '../definition/run-program.ts';
import { ownDefinition } from '../definition/output-rules.ts';
import { OneShotRunner } from '../one-shot.ts';
import { mapPaths } from './map-paths.ts';
import { animationRange, povrayArguments, type PovraySettings } from './arguments.ts';

const LIBRARY = '.farmhand-library';
const OUTPUT = '.farmhand-output';
/** A run of several frames is not to last longer: all of them are lost where it ends in the middle. */
const RUN_SECONDS = 10;

/** A frame that was rendered along with an earlier one. */
type Along = RenderedFrame & { path: string };

/** POV-Ray 3.7 and later: one process a frame, or for some that follow each other where they are short. */
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
  #runs = 0;
  #mapped: Promise<string | undefined> | undefined;
  /** Of the last frame; null before the first. */
  #secondsAFrame: number | null = null;
  readonly #along = new Map<number, Along>();

  constructor(spec: SessionSpec, scenePath: string, settings: PovraySettings, ini: PovIni | null) {
    this.#spec = spec;
    this.#scenePath = scenePath;
    this.#settings = settings;
    this.#ini = ini;
    this.#runner = new OneShotRunner(spec);
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const along = this.#along.get(request.frame);
    if (along) {
      this.#along.delete(request.frame);
      return { ...along, files: [await takePicture(along.path, request)] };
    }
    const lastFrame = this.#lastOfRun(request);
    if (lastFrame > request.frame) {
      try {
        return await this.#renderRun(request, lastFrame);
      } catch (error) {
        if (!(error instanceof EngineFailure) || request.signal.aborted) throw error;
        this.#spec.log(
          `[farmhand] Frames ${request.frame} to ${lastFrame} in one run: ${error.message} Now each alone.`,
        );
        this.#secondsAFrame = Infinity;
      }
    }
    return await this.#renderRun(request, request.frame);
  }

  /** How far frames follow without a gap that together take a short time. */
  #lastOfRun({ frame, following }: FrameRequest): number {
    const range = animationRange(this.#settings, this.#ini);
    if (range === null || this.#secondsAFrame === null) return frame;
    const most = Math.min(
      ownDefinition('povray', this.#spec.detected.version).framesAProcess,
      Math.floor(RUN_SECONDS / this.#secondsAFrame),
    );
    let last = frame;
    while (last - frame + 1 < most && last < range.last && following[last - frame] === last + 1) last++;
    return last;
  }

  async #renderRun(request: FrameRequest, lastFrame: number): Promise<RenderedFrame> {
    // What was rendered along and not asked for is not wanted any more.
    for (const { path } of this.#along.values()) await rm(path, { force: true });
    this.#along.clear();
    const folder = join(this.#spec.workDir, `pov-${++this.#runs}`);
    const scene = await this.#prepare(folder);
    try {
      return await this.#run(folder, scene, request, lastFrame);
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
    await this.#mapPaths(folder);
    const own = basename(this.#scenePath);
    if (/^\w[\w.-]*$/.test(own)) return own;
    const plain = this.#ini ? 'farmhand-scene.ini' : 'farmhand-scene.pov';
    await rm(join(folder, plain), { force: true });
    await symlink(own, join(folder, plain));
    return plain;
  }

  /** A scene that names files on shared storage as another machine has them is taken from a copy that names them as this one has. */
  async #mapPaths(folder: string): Promise<void> {
    const name = this.#ini ? this.#ini.inputFile : basename(this.#scenePath);
    // One in a folder below stays as it is: the folder is the scene's own.
    if (name === null || /[\\/]/.test(name)) return;
    const { paths, workDir } = this.#spec;
    const scene = join(dirname(this.#scenePath), name);
    this.#mapped ??= mapPaths(scene, paths, join(workDir, 'mapped'));
    const copy = await this.#mapped;
    if (copy === undefined) return;
    await rm(join(folder, name));
    await symlink(copy, join(folder, name));
  }

  async #run(
    folder: string,
    scene: string,
    request: FrameRequest,
    lastFrame: number,
  ): Promise<RenderedFrame> {
    const spec = this.#spec;
    const options = povrayArguments({
      scene,
      ini: this.#ini,
      frame: request.frame,
      lastFrame,
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
      // Of a run of several it is not known which frame it is about.
      if (fraction !== undefined && lastFrame === request.frame) request.progress(fraction);
    });
    const frames = lastFrame - request.frame + 1;
    const pictures = await picturesOf(join(folder, OUTPUT), frames);
    const seconds = (performance.now() - start) / 1000 / frames;
    if (this.#secondsAFrame !== Infinity) this.#secondsAFrame = seconds;
    const rendered = {
      files: [],
      seconds,
      peakMemoryBytes: peakMemoryBytes || null,
      warnings: report.warnings,
    };
    const [own = '', ...others] = pictures;
    for (const [i, path] of others.entries()) {
      const kept = join(spec.workDir, `along-${request.frame + i + 1}.png`);
      await rename(path, kept);
      this.#along.set(request.frame + i + 1, { ...rendered, path: kept });
    }
    return { ...rendered, files: [await takePicture(own, request)] };
  }
}

/** @returns paths in the frames' order */
async function picturesOf(folder: string, frames: number): Promise<string[]> {
  // The number of digits follows the animation's length, and is the same for all of a run; beside a picture lies a state
  // file while it is rendered.
  const pictures = (await readdir(folder)).filter((name) => name.endsWith('.png')).sort();
  if (pictures.length !== frames)
    throw new EngineFailure('bad-output', `POV-Ray left ${pictures.length} pictures instead of ${frames}.`);
  return pictures.map((name) => join(folder, name));
}

async function takePicture(picture: string, { outDir }: FrameRequest): Promise<ProducedFile> {
  const path = join(outDir, 'frame.png');
  await rename(picture, path);
  return { name: 'main', path };
}
