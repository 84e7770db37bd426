import { basename, dirname, join } from 'node:path';
import { MAX_DOCUMENT_BYTES } from '../../shared/contracts/job-document.ts';
import { UsageError } from '../support/exit-codes.ts';
import { uploadAsset } from '../support/upload.ts';
import { understoodFrames, type SubmitFlags } from './build-document.ts';
import { isLocalPath, withUploadedSettings } from './document-files.ts';
import { printable } from '../support/output.ts';
import { sceneOnStorage, sharedStorage, type SharedStorage } from './shared-storage.ts';
import type { PrepareTools } from './prepare.ts';
import { understandScene } from './understand-scene.ts';

type Json = Record<string, unknown>;

/** Flags that say what a document says itself, or that need a scene to make sense. */
const SCENE_FLAGS = ['encode', 'param', 'data'] as const;
/** Flags that belong to one step; at the top of a document with several they would be ambiguous. */
const STEP_FLAGS = ['engine', 'frames', 'chunk'] as const;

/**
 * A user's own job document: local scenes (`"scene": "./tree.pov"`, relative to the document) and local files in settings
 * are uploaded and replaced, flags are written into it. With nothing to change, the very bytes of the file go to the farm, which judges them.
 * @throws UsageError for a flag that does not fit or a local scene that cannot be used.
 */
export async function prepareDocument(
  file: string,
  input: { bytes: Uint8Array; value: Json },
  flags: SubmitFlags,
  tools: PrepareTools,
): Promise<unknown> {
  const { bytes, value } = input;
  const hasSteps = Object.hasOwn(value, 'steps');
  refuseFlags(flags, SCENE_FLAGS, 'write it into the document');
  if (hasSteps) refuseFlags(flags, STEP_FLAGS, 'the document has steps of its own; write it there');
  tools.say(`${basename(file)}: a job document`);
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) return bytes; // the farm says that it is too large, and how large it may be
  const top = { ...value, ...overrides(flags) };
  const storage = await sharedStorage(flags, tools);
  const steps = Array.isArray(value['steps']) ? (value['steps'] as unknown[]) : [];
  const newSteps: unknown[] = [];
  for (const [index, step] of steps.entries()) {
    const withScene = await withUploadedScene(step, `steps[${index}].scene`, file, tools, storage);
    newSteps.push(await withUploadedSettings(withScene, `steps[${index}]`, file, tools, storage));
  }
  const withScene = await withUploadedScene(top, 'scene', file, tools, storage);
  const document = (await withUploadedSettings(withScene, '', file, tools, storage)) as Json;
  const changed =
    document !== top ||
    Object.keys(overrides(flags)).length > 0 ||
    newSteps.some((step, i) => step !== steps[i]);
  if (!changed) return bytes;
  return steps.length === 0 ? document : { ...document, steps: newSteps };
}

function overrides(flags: SubmitFlags): Json {
  return {
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(flags.project === undefined ? {} : { project: flags.project }),
    ...(flags.priority === undefined ? {} : { priority: flags.priority }),
    ...(flags.key === undefined ? {} : { idempotencyKey: flags.key }),
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.frames === undefined ? {} : { frames: understoodFrames(flags.frames).text }),
    ...(flags.chunk === undefined ? {} : { chunk: flags.chunk }),
  };
}

function refuseFlags(flags: SubmitFlags, names: readonly (keyof SubmitFlags)[], hint: string): void {
  const given = names.find((name) => flags[name] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} does not go with a job document: ${hint}.`);
}

/** The same object unless its `scene` is a local path. What is wrong with the rest is for the farm to say. */
async function withUploadedScene(
  part: unknown,
  path: string,
  documentFile: string,
  tools: PrepareTools,
  storage: SharedStorage,
): Promise<unknown> {
  if (typeof part !== 'object' || part === null || !('scene' in part)) return part;
  const { scene } = part;
  if (!isLocalPath(scene)) return part;
  const own = part as Json;
  const engine = typeof own['engine'] === 'string' ? { engine: own['engine'] } : {};
  const frames = typeof own['frames'] === 'string' ? { frames: own['frames'] } : {};
  const understood = await understandScene(
    join(dirname(documentFile), scene),
    { ...engine, ...frames },
    { what: path, shared: storage.lookup },
  );
  for (const line of understood.says) tools.say(line);
  const there = await sceneOnStorage(understood, storage);
  const { progress, signal } = tools;
  const client = await tools.farm();
  const { origin } = understood;
  const upload = async (): Promise<string> =>
    `asset:${await uploadAsset(understood.files, { client, progress, signal, label: scene, origin })}/${understood.scenePath}`;
  if (there !== undefined) tools.say(printable(`  ${there.scene} is on shared storage; nothing is uploaded`));
  const roots = there?.roots ?? understood.roots;
  const settings = typeof own['settings'] === 'object' ? (own['settings'] as Json) : {};
  const merged = { ...understood.settings, ...settings };
  return {
    ...own,
    engine: own['engine'] ?? understood.engine,
    scene: there?.scene ?? (await upload()),
    frames: own['frames'] ?? understood.frames,
    ...(Object.keys(merged).length === 0 ? {} : { settings: merged }),
    ...(roots.length === 0 ? {} : { requires: withRoots(own['requires'], roots) }),
  };
}

/** What the document asks of workers stays; whether it is well-formed is for the farm to say. */
function withRoots(requires: unknown, roots: readonly string[]): unknown {
  if (requires !== undefined && (typeof requires !== 'object' || requires === null)) return requires;
  const own = (requires ?? {}) as Json;
  const named = Array.isArray(own['roots']) ? (own['roots'] as unknown[]) : [];
  return { ...own, roots: [...new Set([...named, ...roots])] };
}
