import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type {
  DetectedProgram,
  Engine,
  EngineSession,
  FrameRequest,
  RenderedFrame,
  SessionSpec,
} from '../../src/worker/engines/engine.ts';

export interface HarnessOptions {
  scenePath: string | null;
  /** The scene's own folder unless said. */
  sceneRoot?: string;
  /** Name of the session's folder; may have further folders in it. */
  workDir?: string;
  inPlace?: boolean;
  paths?: SessionSpec['paths'];
  settings?: SessionSpec['settings'];
  data?: SessionSpec['data'];
  output: SessionSpec['output'];
  timeouts?: Partial<SessionSpec['timeouts']>;
  memoryLimitBytes?: number;
  /** The engine is started before it learns its scene. */
  ready?: boolean;
}

/** Runs an engine's adapter the way the worker does, in a temporary folder. */
export class EngineHarness {
  readonly folder: string;
  readonly log: string[] = [];
  readonly progress: number[] = [];
  readonly #engine: Engine;
  readonly #detected: DetectedProgram;
  readonly #sessions: EngineSession[] = [];
  #frames = 0;
  #opened = 0;

  private constructor(engine: Engine, detected: DetectedProgram, folder: string) {
    this.#engine = engine;
    this.#detected = detected;
    this.folder = folder;
  }

  static async create(engine: Engine, detected: DetectedProgram): Promise<EngineHarness> {
    return new EngineHarness(engine, detected, await mkdtemp(join(tmpdir(), `farmhand-${engine.id}-`)));
  }

  async open(options: HarnessOptions): Promise<EngineSession> {
    const spec = await this.#spec(options);
    const startSeconds = spec.timeouts.startSeconds;
    const ready = options.ready ? await this.#engine.start?.({ ...spec, startSeconds }) : undefined;
    const session = await (ready ?? this.#engine).open(spec);
    this.#sessions.push(session);
    return session;
  }

  /** As the worker does with a session that another row of a batch has used. */
  async reload(session: EngineSession, options: HarnessOptions): Promise<void> {
    if (!session.reload) throw new Error('This session cannot take other data');
    await session.reload(await this.#spec(options));
  }

  async #spec(options: HarnessOptions): Promise<SessionSpec> {
    const workDir = join(this.folder, options.workDir ?? `work-${++this.#opened}`);
    await mkdir(workDir, { recursive: true });
    const { start, silence, frame } = this.#engine.timeouts;
    return {
      detected: this.#detected,
      scenePath: options.scenePath,
      sceneRoot: options.sceneRoot ?? (options.scenePath === null ? null : dirname(options.scenePath)),
      inPlace: options.inPlace ?? false,
      paths: options.paths ?? [],
      settings: options.settings ?? {},
      data: options.data ?? {},
      output: options.output,
      workDir,
      threads: 1,
      environment: {},
      memoryLimitBytes: options.memoryLimitBytes ?? 4_000_000_000,
      timeouts: { startSeconds: start, silenceSeconds: silence, frameSeconds: frame, ...options.timeouts },
      log: (line) => this.log.push(line),
      signal: new AbortController().signal,
    };
  }

  async render(
    session: EngineSession,
    frame: number,
    more: Partial<FrameRequest> = {},
  ): Promise<RenderedFrame> {
    const outDir = join(this.folder, `frame-${++this.#frames}`);
    await mkdir(outDir);
    return session.render({
      frame,
      following: [],
      outDir,
      inputs: {},
      missing: {},
      files: {},
      progress: (fraction) => this.progress.push(fraction),
      signal: new AbortController().signal,
      ...more,
    });
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Decodes a picture completely. */
export async function decode(
  path: string | undefined,
): Promise<{ width: number; height: number; pixels: Buffer }> {
  if (path === undefined || !existsSync(path)) throw new Error(`No picture at ${path ?? '(nothing)'}`);
  const { data, info } = await sharp(path).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: data };
}
