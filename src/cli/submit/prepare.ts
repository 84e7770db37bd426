import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { describeEngine } from '../../shared/engines/engine-catalogue.ts';
import { newerThanWorkers } from '../../shared/scenes/scene-report.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { FarmClient } from '../support/farm-client.ts';
import { printable } from '../support/output.ts';
import type { Progress } from '../support/progress.ts';
import { count } from '../support/table.ts';
import { uploadAsset } from '../support/upload.ts';
import { assertSceneEngine, buildDocument, type SubmitFlags, type Work } from './build-document.ts';
import { classifyInput } from './classify-input.ts';
import { collectFiles } from './collect-files.ts';
import { prepareDocument } from './document-scenes.ts';
import { findScene } from './find-scene.ts';
import { openZip } from './open-zip.ts';
import { NO_SHARED, sceneOnStorage, sharedStorage, type SharedStorage } from './shared-storage.ts';
import { typedParams } from './params.ts';
import { readData } from './read-data.ts';
import { understandScene, type UnderstoodScene } from './understand-scene.ts';
import { understoodTemplate } from './understand-template.ts';

/** What preparing needs from around it. */
export interface PrepareTools {
  /** Asked for only once the files here are known to be in order. */
  farm: () => Promise<FarmClient>;
  progress: Progress;
  signal: AbortSignal;
  /** Says what was understood. */
  say: (line: string) => void;
}

/**
 * Turns the FILE of `submit` into a job document that the farm can take: finds out what it is, says what was understood,
 * names what is missing, and only then uploads.
 * @returns the document, or the bytes of the user's own.
 * @throws UsageError for anything wrong with the file or the flags; RefusedError, UnreachableError from the farm.
 */
export async function prepareSubmission(
  file: string,
  flags: SubmitFlags,
  tools: PrepareTools,
): Promise<unknown> {
  if (flags.engine !== undefined) assertSceneEngine(flags.engine);
  const input = await classifyInput(file);
  if (flags.scene !== undefined && input.kind !== 'folder' && input.kind !== 'zip')
    throw new UsageError('--scene chooses a scene inside a folder or zip; name a folder or zip with it.');
  switch (input.kind) {
    case 'template':
      return buildDocument(await understoodTemplate(input.ref, flags, tools), flags);
    case 'document':
      return await prepareDocument(file, input, flags, tools);
    case 'zip':
      return await prepareZip(file, flags, tools);
    case 'folder':
      return await prepareFolder(file, basename(join(process.cwd(), file)), flags, tools);
    case 'scene':
      return await prepareScene(file, flags, tools);
  }
}

async function prepareScene(file: string, flags: SubmitFlags, tools: PrepareTools): Promise<unknown> {
  const storage = await sharedStorage(flags, tools);
  const scene = await understandScene(file, flags, { shared: storage.lookup });
  return await submitScene(scene, nameOf(file), flags, tools, storage);
}

async function prepareZip(file: string, flags: SubmitFlags, tools: PrepareTools): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-zip-'));
  try {
    await openZip(file, folder, undefined, tools.signal);
    return await prepareFolder(folder, nameOf(file), flags, tools, { shownAs: file, outside: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function prepareFolder(
  folder: string,
  name: string,
  flags: SubmitFlags,
  tools: PrepareTools,
  { shownAs = folder, outside = true }: { shownAs?: string; outside?: boolean } = {},
): Promise<unknown> {
  const files = await collectFiles(folder);
  const scene = await findScene(files, shownAs, flags.scene);
  // What somebody else has packed may name any file, and is unpacked into a folder of its own.
  const storage = outside ? await sharedStorage(flags, tools) : NO_SHARED;
  const place = { folder: { path: folder, files, shownAs, outside }, shared: storage.lookup };
  const understood = await understandScene(scene.path, flags, place);
  if (scene.passedOver > 0)
    understood.says.push(
      `  of ${count(scene.passedOver + 1, 'scene')}, the one on the highest level; --scene chooses another`,
    );
  return await submitScene(understood, name, flags, tools, storage);
}

async function submitScene(
  scene: UnderstoodScene,
  name: string,
  flags: SubmitFlags,
  tools: PrepareTools,
  storage: SharedStorage,
): Promise<unknown> {
  const data = flags.data === undefined ? {} : { data: await readData(flags.data) };
  const work = { ...workOf(scene, name, flags), ...data };
  for (const line of scene.says) tools.say(line);
  const there = await sceneOnStorage(scene, storage);
  const client = await tools.farm();
  const warning = newerThanWorkers(scene, scene.madeWith === null ? [] : (await client.engines()).engines);
  if (warning !== undefined) tools.say(printable(`  Warning: ${warning}`));
  if (there !== undefined) {
    tools.say(printable(`  ${there.scene} is on shared storage; nothing is uploaded`));
    return buildDocument({ ...work, ...there }, flags);
  }
  const { progress, signal } = tools;
  const { origin, roots } = scene;
  const asset = await uploadAsset(scene.files, { client, progress, signal, label: name, origin });
  return buildDocument({ ...work, scene: `asset:${asset}/${scene.scenePath}`, roots }, flags);
}

function workOf(scene: UnderstoodScene, name: string, flags: SubmitFlags): Work {
  const { engine } = scene;
  const schema = describeEngine(engine)?.settings;
  const settings = typedParams(flags.param ?? [], schema?.schema ?? {}, `the engine ${engine}`);
  return {
    name,
    engine,
    scene: '',
    frames: scene.frames,
    ...(scene.fps === undefined ? {} : { fps: scene.fps }),
    settings: { ...scene.settings, ...settings },
  };
}

const nameOf = (file: string): string => basename(file, extname(file));
