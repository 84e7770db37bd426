import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsOf } from '../checked-settings.ts';
import { installedProgram } from '../../../shared/programs/installed-engines.ts';
import { describeEngine } from '../../../shared/engines/engine-catalogue.ts';
import { displayCube } from '../../colour/display-view.ts';
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
import { settingFiles } from '../setting-files.ts';
import { AUDIO, checkArguments, encodeRuns, videoName, type FfmpegSettings } from './arguments.ts';
import { FONT, burnInOverlay, slateOverlay } from './burn-in.ts';
import { chosenPreset, type ChosenPreset } from './chosen-preset.ts';
import { VIEW_CUBE } from './filters.ts';
import { inputSequence, type InputSequence } from './input-frames.ts';

const DEFAULT_FPS = 24;
/** The share of the work that encoding is; the rest is the check. */
const ENCODING = 0.85;
const FONT_FILE = fileURLToPath(new URL('../lottie/fonts/Inter-Regular.ttf', import.meta.url));

/** Turns another step's frames into a video: one unit of work a step. */
export const ffmpegEngine: Engine = {
  id: 'ffmpeg',
  get timeouts() {
    return ownDefinition('ffmpeg').timeouts;
  },
  reusable: false,
  detect: ({ cacheDir }) =>
    detectProgram(ownDefinition('ffmpeg'), [
      cacheDir === undefined ? undefined : installedProgram('ffmpeg', cacheDir),
    ]),
  files: (settings) => settingFiles(describeEngine('ffmpeg')?.fileSettings ?? [], settings),
  open: (spec) =>
    new Promise((resolve) => {
      resolve(new FfmpegSession(spec, settingsOf('ffmpeg', spec.settings)));
    }),
};

class FfmpegSession implements EngineSession {
  readonly #spec: SessionSpec;
  readonly #settings: FfmpegSettings;
  readonly #preset: ChosenPreset;
  readonly #runner: OneShotRunner;
  #units = 0;

  /** @throws EngineFailure for settings that do not go together, or that this FFmpeg cannot follow */
  constructor(spec: SessionSpec, settings: FfmpegSettings) {
    this.#spec = spec;
    this.#settings = settings;
    this.#preset = chosenPreset(settings, spec.output.format, spec.detected.features);
    this.#runner = new OneShotRunner(spec);
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const start = performance.now();
    const { gaps = 'fail' } = this.#settings;
    const sequence = await inputSequence(request, gaps !== 'fail');
    const folder = join(this.#spec.workDir, `ffmpeg-${++this.#units}`);
    const video = videoName(this.#preset.extension);
    try {
      const hasAudio = await this.#prepare(folder, sequence, request);
      const encoded = await this.#encode(folder, sequence, hasAudio, request);
      const checked = await this.#check(folder, sequence.frames.length, request);
      const path = join(request.outDir, video);
      await rename(join(folder, video), path);
      return {
        files: [{ name: 'main', path }],
        seconds: (performance.now() - start) / 1000,
        peakMemoryBytes: Math.max(encoded, checked) || null,
        warnings: this.#warnings(sequence),
      };
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

  #warnings({ size, warnings }: InputSequence): string[] {
    const { width, height } = this.#spec.output;
    const { even } = this.#preset;
    const isOdd =
      size !== null &&
      ((even !== 'none' && size.width % 2 === 1) || (even === 'both' && size.height % 2 === 1));
    if (!isOdd || width !== undefined || height !== undefined) return warnings;
    return [
      ...warnings,
      `${size.width}×${size.height} has an odd side; the video has a black row or column more.`,
    ];
  }

  /** FFmpeg reads numbered files without gaps. */
  async #prepare(
    folder: string,
    { frames, extension }: InputSequence,
    request: FrameRequest,
  ): Promise<boolean> {
    await mkdir(folder);
    for (const [i, { path }] of frames.entries())
      await symlink(path, join(folder, `f_${String(i).padStart(8, '0')}.${extension}`));
    const { audio: reference, view = 'srgb', exposure = 0 } = this.#settings;
    if (extension === 'exr') await writeFile(join(folder, VIEW_CUBE), displayCube({ view, exposure }));
    await symlink(FONT_FILE, join(folder, FONT));
    if (reference === undefined) return false;
    const audio = request.files[reference];
    if (audio === undefined)
      throw new EngineFailure('missing-asset', `The sound ${reference} was not fetched.`);
    await symlink(audio, join(folder, AUDIO));
    return true;
  }

  /** What is drawn over the pictures; its texts are files in the folder. */
  async #overlays(folder: string, { frames, filled }: InputSequence, fps: number): Promise<string[]> {
    const { gaps, burnIn } = this.#settings;
    const numbers = frames.map(({ frame }) => frame);
    const canWrite = this.#spec.detected.features.includes('drawtext');
    const overlays = [
      ...(gaps === 'slate' && filled.size > 0 ? [slateOverlay(numbers, filled, canWrite)] : []),
      ...(burnIn === undefined ? [] : [burnInOverlay(burnIn, numbers, fps)]),
    ];
    for (const { files } of overlays)
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return overlays.flatMap(({ filters }) => filters);
  }

  async #encode(
    folder: string,
    sequence: InputSequence,
    hasAudio: boolean,
    request: FrameRequest,
  ): Promise<number> {
    const { output, threads } = this.#spec;
    const total = sequence.frames.length;
    const fps = output.fps ?? DEFAULT_FPS;
    const runs = encodeRuns({
      preset: this.#preset,
      crf: this.#settings.crf,
      speed: this.#settings.preset,
      fps,
      frames: total,
      width: output.width,
      height: output.height,
      extension: sequence.extension,
      hasAlpha: sequence.hasAlpha,
      hasAudio,
      overlays: await this.#overlays(folder, sequence, fps),
      threads,
    });
    const report = (frames: number): void =>
      request.progress(Math.min(1, frames / total) * ENCODING, 'encoding');
    let peak = 0;
    for (const args of runs) peak = Math.max(peak, (await this.#run(folder, args, request, report)).peak);
    return peak;
  }

  /** A file that cannot be decoded to its end, or lost frames on the way, is no result. */
  async #check(folder: string, expected: number, request: FrameRequest): Promise<number> {
    const report = (frames: number): void =>
      request.progress(ENCODING + Math.min(1, frames / expected) * (1 - ENCODING), 'checking');
    const args = checkArguments(this.#preset.extension, this.#spec.threads);
    const { frames, peak } = await this.#run(folder, args, request, report);
    if (frames !== expected)
      throw new EngineFailure('bad-output', `The video has ${frames} frames instead of ${expected}.`);
    return peak;
  }

  async #run(
    folder: string,
    args: readonly string[],
    request: FrameRequest,
    report: (frames: number) => void,
  ): Promise<{ frames: number; peak: number }> {
    const definition = ownDefinition('ffmpeg', this.#spec.detected.version);
    const run = { args, cwd: folder, signal: request.signal };
    const ended = await runProgram(this.#runner, definition, run, ({ frame }) => {
      if (frame !== undefined) report(frame);
    });
    return { frames: ended.report.frame ?? 0, peak: ended.peakMemoryBytes };
  }
}
