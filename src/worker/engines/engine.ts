import type { FailureClass, SceneRef, TaskMessage } from '../../shared/contracts/messages.ts';

/** What a worker found of an engine on its machine. */
export interface DetectedProgram {
  version: string;
  features: readonly string[];
  /** Absolute paths and whatever else the adapter needs to start it. */
  program: string;
}

export interface DetectOptions {
  /** Folder where `engines install` puts programs; searched after PATH. */
  cacheDir: string | undefined;
}

/** A folder that a scene knows by one absolute path and that lies at another one here. */
export interface MovedFolder {
  from: string;
  to: string;
}

/** Everything that stays the same for the frames of one session. */
export interface SessionSpec {
  detected: DetectedProgram;
  /**
   * The scene's file on this machine, inside a read-only copy of its asset or on shared storage; null where the engine needs
   * none.
   */
  scenePath: string | null;
  /** The folder of that copy, or the root of the storage: an engine lets a scene open files in it, and nowhere else. */
  sceneRoot: string | null;
  /** The scene lies on shared storage, and nothing may be written beside it. */
  inPlace: boolean;
  /** Where absolute paths in the scene, of the machine that it was made on, lead to here. */
  paths: readonly MovedFolder[];
  settings: TaskMessage['settings'];
  data: TaskMessage['data'];
  output: TaskMessage['output'];
  /** Folder of its own for scratch files; removed by the caller after `close`. */
  workDir: string;
  /** Threads that the engine may use. */
  threads: number;
  memoryLimitBytes: number;
  /** Variables that its processes get besides what every engine gets. */
  environment: Readonly<Record<string, string>>;
  timeouts: { startSeconds: number; silenceSeconds: number; frameSeconds: number };
  /** Every line the engine prints goes here, in order. */
  log: (line: string) => void;
  /** Aborted when the session is to end at once, while it opens too: give it to `spawnEngine` for every process. */
  signal: AbortSignal;
}

/** What starting an engine needs, before anybody knows its scene. */
export interface StartSpec extends Pick<
  SessionSpec,
  'detected' | 'workDir' | 'memoryLimitBytes' | 'environment' | 'log' | 'signal'
> {
  startSeconds: number;
}

/** An engine that runs and has no scene yet. */
export interface StartedEngine {
  /** Loads a scene; only once. The engine is closed when that fails. @throws EngineFailure */
  open: (spec: SessionSpec) => Promise<EngineSession>;
  close: () => Promise<void>;
  memoryBytes: () => number;
  readonly hasEnded: boolean;
}

/** One unit to render. */
export interface FrameRequest {
  frame: number;
  /** Frames of the task that come after it, in their order: an engine may render them along with this one. */
  following: readonly number[];
  /** Empty folder that only this frame's files go into. */
  outDir: string;
  /** For engines with inputs: input name → files in frame order, already on this machine. */
  inputs: Record<string, { frame: number; path: string }[]>;
  /** Frames that the inputs' steps should have and that have no result: input name → numbers, ascending. */
  missing: Record<string, readonly number[]>;
  /** Extra files named by settings, by the reference: `asset:…` or `root:…` → path on this machine. */
  files: Record<string, string>;
  progress: (fraction: number, note?: string) => void;
  /** Aborted when the frame is no longer wanted: end the engine's work now. */
  signal: AbortSignal;
}

/** A file that the engine says it made. The worker decodes it before it believes. */
export interface ProducedFile {
  /** `main`, or the name of a view layer or pass; an id. */
  name: string;
  path: string;
}

export interface RenderedFrame {
  /** The first is the main output; empty only for an engine that stores nothing. */
  files: ProducedFile[];
  seconds: number;
  peakMemoryBytes: number | null;
  warnings: string[];
}

/**
 * An engine with its scene loaded. One render at a time. After a rejected `render` the session may only be closed,
 * unless the error says that it is still usable.
 */
export interface EngineSession {
  /** @throws EngineFailure */
  render: (request: FrameRequest) => Promise<RenderedFrame>;
  /**
   * Takes the same scene with other settings, data and output; left out where a session cannot. Closed when that fails.
   * @throws EngineFailure
   */
  reload?: (spec: SessionSpec) => Promise<void>;
  /** Ends every process of the session; safe to call twice. */
  close: () => Promise<void>;
  /** Memory of the session's processes at present, for the budget of warm sessions. */
  memoryBytes: () => number;
}

/** One engine: a folder under `src/worker/engines/`. */
export interface Engine {
  id: string;
  /** @returns null when this machine does not have it. */
  detect: (options: DetectOptions) => Promise<DetectedProgram | null>;
  /** Seconds; a job may ask for others. `silence` 0: the engine prints nothing, so silence means nothing. */
  timeouts: { start: number; silence: number; frame: number };
  /**
   * Whether a session may stay warm for other tasks of the same scene and settings.
   */
  reusable: boolean;
  /** File names in `settings` that must be fetched before the first frame (`asset:…`, `root:…`), by the validated settings. */
  files?: (settings: TaskMessage['settings']) => { ref: string; scene: SceneRef }[];
  /** For engines whose start takes long and knows nothing of the scene: that part of `open`. @throws EngineFailure */
  start?: (spec: StartSpec) => Promise<StartedEngine>;
  /** Starts what can be started before the first frame. @throws EngineFailure */
  open: (spec: SessionSpec) => Promise<EngineSession>;
}

/** A frame that did not render, for a reason that people see. */
export class EngineFailure extends Error {
  readonly failure: FailureClass;
  /** The session can render another frame all the same. */
  readonly sessionUsable: boolean;

  constructor(
    failure: FailureClass,
    message: string,
    options: { sessionUsable?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'EngineFailure';
    this.failure = failure;
    this.sessionUsable = options.sessionUsable ?? false;
  }
}
