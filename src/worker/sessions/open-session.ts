import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SceneRef, TaskMessage } from '../../shared/contracts/messages.ts';
import { newId } from '../../shared/domain/new-id.ts';
import type { FileCache } from '../assets/file-cache.ts';
import { layOutScene, type SceneTree } from '../assets/scene-tree.ts';
import type { DetectedProgram, Engine, EngineSession, SessionSpec } from '../engines/engine.ts';
import { rootReference, type RootFile } from '../../shared/domain/root-paths.ts';
import { isOnRoot, type TaskStorage } from '../roots/task-storage.ts';
import type { TaskShare } from '../settings.ts';
import type { SpareEngine } from './spare-engines.ts';

/** What a session is opened for; two tasks with an equal key can share it. */
export interface SessionRequest {
  engine: Engine;
  detected: DetectedProgram;
  /** What it is run by; null for an engine without a definition. */
  definition: string | null;
  task: Pick<TaskMessage, 'scene' | 'settings' | 'data' | 'output' | 'timeouts'>;
  share: SessionShare;
  storage: TaskStorage;
}

/** What of the machine a task may use. */
export interface SessionShare extends TaskShare {
  /** Variables that name its GPUs. */
  environment: Readonly<Record<string, string>>;
}

/** What every session of this worker gets. */
export interface SessionLimits {
  /** Folder in which each session gets one of its own. */
  folder: string;
}

export interface OpenedSession {
  session: EngineSession;
  /** Files named by settings, by their reference. */
  files: Record<string, string>;
  /** Takes another task of the same host key; undefined where the engine cannot. */
  reload: ((request: SessionRequest) => Promise<void>) | undefined;
  /** Ends its processes and removes its folder. */
  close: () => Promise<void>;
}

/** Tasks with an equal one render with the same scene, settings, data and output. */
export function sessionKey(request: SessionRequest): string {
  const { settings, data, output, timeouts } = request.task;
  return JSON.stringify([hostKey(request), settings, data, output, timeouts]);
}

/**
 * Tasks with an equal one can follow each other in one process: rows of a batch differ in their data only. What a scene's
 * scripts have done to a process stays: those who trust them and those who do not get one each. A scene on shared storage
 * that was written since is another one.
 */
export function hostKey({ engine, detected, definition, task, share, storage }: SessionRequest): string {
  return JSON.stringify([
    engine.id,
    detected.version,
    definition,
    task.scene,
    share.slots,
    share.environment,
    task.settings['trustScripts'] ?? null,
    storage,
  ]);
}

/** The scene alone, whatever is done with it: what a crash is remembered for. */
export function sceneKey({ engine, definition, task }: SessionRequest): string {
  return JSON.stringify([engine.id, definition, task.scene]);
}

/**
 * @param spare an engine that was started before; it is used up, whatever comes
 *
 * Fetches the scene and what its settings name, then starts the engine. Nothing is left when it throws.
 * @throws EngineFailure; the signal's reason
 */
export async function openSession(
  request: SessionRequest,
  limits: SessionLimits,
  cache: FileCache,
  log: (line: string) => void,
  signal: AbortSignal,
  spare?: SpareEngine,
): Promise<OpenedSession> {
  const { engine, detected, task, share, storage } = request;
  const folder = spare?.folder ?? join(limits.folder, newId('s'));
  const trees: SceneTree[] = [];
  const clear = async (): Promise<void> => {
    await spare?.started.close();
    await Promise.all(trees.map((tree) => tree.dispose()));
    await rm(folder, { recursive: true, force: true });
  };
  const layOut = async (scene: SceneRef): Promise<SceneTree> => {
    if (isOnRoot(scene)) return inPlace(scene, storage);
    const tree = await layOutScene(scene, join(folder, `files${trees.length}`), cache, signal);
    trees.push(tree);
    return tree;
  };
  try {
    const workDir = join(folder, 'work');
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    const tree = task.scene ? await layOut(task.scene) : null;
    const files: Record<string, string> = {};
    for (const { ref, scene } of engine.files?.(task.settings) ?? [])
      files[ref] = (await layOut(scene)).scenePath;
    const place = {
      detected,
      scenePath: tree?.scenePath ?? null,
      sceneRoot: tree?.root ?? null,
      inPlace: task.scene !== null && isOnRoot(task.scene),
      paths: [...(tree?.origin ? [{ from: tree.origin, to: tree.root }] : []), ...storage.folders],
      workDir,
      threads: share.threads,
      memoryLimitBytes: share.memoryLimitBytes,
      environment: share.environment,
      log,
      signal,
    };
    signal.throwIfAborted();
    const session = await (spare?.started ?? engine).open({ ...place, ...workOf(request) });
    const reload = engine.files ? undefined : session.reload?.bind(session);
    return {
      session,
      files,
      reload: reload && ((next) => reload({ ...place, ...workOf(next) })),
      close: async () => {
        await session.close();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

/** A file on shared storage is used where it lies. */
function inPlace(scene: RootFile, { files }: TaskStorage): SceneTree {
  const file = files[rootReference(scene)];
  if (!file) throw new Error(`${rootReference(scene)} was not looked for`);
  return { scenePath: file.path, root: file.root, origin: null, dispose: () => Promise.resolve() };
}

/** What of a session differs from task to task. */
function workOf({
  engine,
  task,
}: SessionRequest): Pick<SessionSpec, 'settings' | 'data' | 'output' | 'timeouts'> {
  const { settings, data, output, timeouts } = task;
  return {
    ...{ settings, data, output },
    timeouts: {
      startSeconds: timeouts.start ?? engine.timeouts.start,
      silenceSeconds: timeouts.silence ?? engine.timeouts.silence,
      frameSeconds: timeouts.frame ?? engine.timeouts.frame,
    },
  };
}
