import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { settingsOf } from '../checked-settings.ts';
import type { SceneRef } from '../../../shared/contracts/messages.ts';
import { howItEnded } from '../../execution/engine-exit.ts';
import {
  EngineFailure,
  type Engine,
  type EngineSession,
  type FrameRequest,
  type RenderedFrame,
  type SessionSpec,
} from '../engine.ts';
import { OneShotRunner } from '../one-shot.ts';
import { AUDIO, VIDEO, checkArguments, encodeArguments, type FfmpegSettings } from './arguments.ts';
import { detectFfmpeg } from './detect.ts';
import { inputSequence, type InputSequence } from './input-frames.ts';
import { FfmpegOutput } from './parse-output.ts';

const DEFAULT_FPS = 24;
/** The share of the work that encoding is; the rest is the check. */
const ENCODING = 0.85;
const GRACE_MS = 1_000;

/** Turns another step's frames into an mp4: one unit of work a step. */
export const ffmpegEngine: Engine = {
  id: 'ffmpeg',
  timeouts: { start: 60, silence: 300, frame: 86_400 },
  reusable: false,
  detect: detectFfmpeg,
  files: (settings) => {
    const { audio } = settingsOf('ffmpeg', settings) as FfmpegSettings;
    return audio === undefined ? [] : [{ ref: audio, scene: assetReference(audio) }];
  },
  open: (spec) =>
    Promise.resolve(new FfmpegSession(spec, settingsOf('ffmpeg', spec.settings) as FfmpegSettings)),
};

/** @throws EngineFailure `scene` unless the reference has the form `asset:<sha256>/<path>` */
function assetReference(reference: string): SceneRef {
  const match = /^asset:([0-9a-f]{64})\/(.+)$/.exec(reference);
  if (!match?.[1] || !match[2])
    throw new EngineFailure(
      'scene',
      `settings.audio is ${JSON.stringify(reference)}; expected "asset:<sha256>/<path>".`,
    );
  return { asset: match[1], path: match[2] };
}

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
    const { output, peak } = await this.#run(folder, checkArguments(this.#spec.threads), request, report);
    if (output.frames !== expected)
      throw new EngineFailure('bad-output', `The video has ${output.frames} frames instead of ${expected}.`);
    return peak;
  }

  async #run(
    folder: string,
    args: readonly string[],
    request: FrameRequest,
    report: (frames: number) => void,
  ): Promise<{ output: FfmpegOutput; peak: number }> {
    const output = new FfmpegOutput();
    const exit = await this.#runner.run({
      args,
      cwd: folder,
      signal: request.signal,
      graceMs: GRACE_MS,
      onStderr: (line) => output.readError(line),
      onReply: (line) => {
        output.readProgress(line);
        if (line.startsWith('progress=')) report(output.frames);
      },
    });
    if (exit.code !== 0 || !output.ended) {
      throw new EngineFailure(
        exit.signal !== null ? 'engine-crash' : output.failureClass,
        `FFmpeg ended with ${howItEnded(exit)}: ${output.reason ?? 'it gave no reason'}`,
      );
    }
    return { output, peak: exit.peakMemoryBytes };
  }
}
