import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import { installedProgram } from '../../../shared/programs/installed-engines.ts';
import { describeEngine } from '../../../shared/engines/engine-catalogue.ts';
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
import { AUDIO, VIDEO, checkArguments, encodeArguments, type FfmpegSettings } from './arguments.ts';
import { inputSequence, type InputSequence } from './input-frames.ts';

const DEFAULT_FPS = 24;
/** The share of the work that encoding is; the rest is the check. */
const ENCODING = 0.85;

/** Turns another step's frames into an mp4: one unit of work a step. */
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
    Promise.resolve(new FfmpegSession(spec, settingsOf('ffmpeg', spec.settings) as FfmpegSettings)),
};

class FfmpegSession implements EngineSession {
  readonly #spec: SessionSpec;
  readonly #settings: FfmpegSettings;
  readonly #runner: OneShotRunner;
  #units = 0;

  constructor(spec: SessionSpec, settings: FfmpegSettings) {
    this.#spec = spec;
    this.#settings = settings;
    this.#runner = new OneShotRunner(spec);
  }

  async render(request: FrameRequest): Promise<RenderedFrame> {
    const start = performance.now();
    const sequence = await inputSequence(request.inputs);
    const folder = join(this.#spec.workDir, `ffmpeg-${++this.#units}`);
    try {
      const hasAudio = await this.#prepare(folder, sequence, request);
      const encoded = await this.#encode(folder, sequence, hasAudio, request);
      const checked = await this.#check(folder, sequence.frames.length, request);
      const path = join(request.outDir, VIDEO);
      await rename(join(folder, VIDEO), path);
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
    const isOdd = size !== null && (size.width % 2 === 1 || size.height % 2 === 1);
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
    const reference = this.#settings.audio;
    if (reference === undefined) return false;
    const audio = request.files[reference];
    if (audio === undefined)
      throw new EngineFailure('missing-asset', `The sound ${reference} was not fetched.`);
    await symlink(audio, join(folder, AUDIO));
    return true;
  }

  async #encode(
    folder: string,
    sequence: InputSequence,
    hasAudio: boolean,
    request: FrameRequest,
  ): Promise<number> {
    const { output, threads } = this.#spec;
    const total = sequence.frames.length;
    const args = encodeArguments({
      settings: this.#settings,
      fps: output.fps ?? DEFAULT_FPS,
      frames: total,
      width: output.width,
      height: output.height,
      extension: sequence.extension,
      hasAlpha: sequence.hasAlpha,
      hasAudio,
      threads,
    });
    const report = (frames: number): void =>
      request.progress(Math.min(1, frames / total) * ENCODING, 'encoding');
    return (await this.#run(folder, args, request, report)).peak;
  }

  /** A file that cannot be decoded to its end, or lost frames on the way, is no result. */
  async #check(folder: string, expected: number, request: FrameRequest): Promise<number> {
    const report = (frames: number): void =>
      request.progress(ENCODING + Math.min(1, frames / expected) * (1 - ENCODING), 'checking');
    const { frames, peak } = await this.#run(folder, checkArguments(this.#spec.threads), request, report);
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
