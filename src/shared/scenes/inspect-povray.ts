import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { FarmError } from '../domain/errors.ts';
import { readPovIni, type PovIni } from './pov-ini.ts';
import { findPovParameters, findPovReferences, type PovReference } from './pov-references.ts';
import { POV_STANDARD_FILES } from './pov-standard-files.ts';
import {
  NOTHING_MORE,
  NeededFiles,
  frameRange,
  type DataSlot,
  type SceneInspection,
} from './scene-inspection.ts';

const MAX_SOURCE_BYTES = 64 * 1024 * 1024;
const MAX_SOURCES = 1_000;

/** @throws FarmError `invalid` when the `.ini` names no scene, or a source is too large to be looked into */
export async function inspectPovray(root: string, scene: string): Promise<SceneInspection> {
  const needed = new NeededFiles(root);
  const notes: string[] = [];
  const slots = new Map<string, DataSlot>();
  await needed.add(posix.basename(scene), scene);
  const isIni = /\.ini$/i.test(scene);
  const ini = isIni ? readPovIni(await readSource(root, scene)) : null;
  let source: string | undefined = scene;
  if (ini) {
    if (ini.inputFile === null)
      throw new FarmError('invalid', `${scene} names no scene: it has no Input_File_Name.`);
    for (const include of ini.includes) await needed.add(include, scene);
    source = await addScene(needed, ini.inputFile, scene);
  }
  if (source !== undefined) await followReferences(needed, source, scene, ini, { notes, slots });
  const first = ini?.initialFrame ?? 1;
  if (typeof ini?.finalFrame !== 'number')
    notes.push('no animation: one frame, unless --frames and settings.animation say otherwise');
  return {
    ...NOTHING_MORE,
    engine: 'povray',
    slots: [...slots.values()],
    root,
    scene,
    frames: frameRange(first, Math.max(first, ini?.finalFrame ?? first)),
    fps: null,
    width: ini?.width ?? null,
    height: ini?.height ?? null,
    files: needed.files,
    missing: needed.missing,
    notes,
  };
}

/** POV-Ray appends `.pov` to a name without extension. */
async function addScene(needed: NeededFiles, name: string, from: string): Promise<string | undefined> {
  const path = posix.join(posix.dirname(from), `${name}.pov`);
  if (posix.extname(name) === '' && (await needed.addIfThere(path))) return path;
  return needed.add(name, from);
}

async function followReferences(
  needed: NeededFiles,
  start: string,
  scene: string,
  ini: PovIni | null,
  { notes, slots }: { notes: string[]; slots: Map<string, DataSlot> },
): Promise<void> {
  // POV-Ray searches the scene's folder (in which it is started) and Library_Path, also for files named by includes.
  const own = posix.dirname(scene);
  const folders = [
    own,
    ...(ini?.libraryPaths ?? []).filter((path) => !path.startsWith('/')).map((path) => posix.join(own, path)),
  ];
  const open = [start];
  const seen = new Set(open);
  for (let source = open.shift(); source !== undefined; source = open.shift()) {
    const text = await readSource(needed.root, source);
    for (const slot of findPovParameters(text)) if (!slots.has(slot.name)) slots.set(slot.name, slot);
    for (const reference of findPovReferences(text)) {
      const path = await addReference(needed, reference, folders, source, notes);
      if (path === undefined || reference.kind !== 'include' || seen.has(path)) continue;
      if (seen.size >= MAX_SOURCES)
        throw new FarmError('too-large', `${scene} includes more than ${MAX_SOURCES} files.`);
      seen.add(path);
      open.push(path);
    }
  }
}

async function addReference(
  needed: NeededFiles,
  reference: PovReference,
  folders: readonly string[],
  source: string,
  notes: string[],
): Promise<string | undefined> {
  const name = reference.name.replaceAll('\\', '/');
  const names =
    posix.extname(name) === '' ? [name, `${name}.${reference.kind === 'include' ? 'inc' : 'ttf'}`] : [name];
  for (const folder of folders) {
    for (const candidate of names) {
      const path = posix.normalize(posix.join(folder, candidate));
      if (await needed.addIfThere(path)) return path;
    }
  }
  if (names.some((candidate) => POV_STANDARD_FILES.has(candidate.toLowerCase()))) return undefined;
  if (reference.conditional)
    notes.push(`${name} is not there; ${source} names it in a part that may not be used`);
  else await needed.add(reference.name, posix.join(folders[0] ?? '.', posix.basename(source)));
  return undefined;
}

async function readSource(root: string, path: string): Promise<string> {
  const file = join(root, path);
  const { size } = await stat(file);
  if (size > MAX_SOURCE_BYTES)
    throw new FarmError(
      'too-large',
      `${path} has ${size} bytes; at most ${MAX_SOURCE_BYTES} are looked into.`,
    );
  return readFile(file, 'latin1');
}
