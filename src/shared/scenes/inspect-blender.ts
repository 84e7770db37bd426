import { join, posix } from 'node:path';
import { FarmError, messageOf } from '../domain/errors.ts';
import { BlendFile, type BlendBlock } from './blend-file.ts';
import { NeededFiles, frameRange, type SceneInspection } from './scene-inspection.ts';

/** Block codes of the data that may lie in other files, and the struct that each holds. */
const EXTERNAL: Readonly<Record<string, string>> = {
  LI: 'Library',
  IM: 'Image',
  VF: 'VFont',
  SO: 'bSound',
  MC: 'MovieClip',
  CF: 'CacheFile',
  VO: 'Volume',
};
const CODES = new Set(['GLOB', 'SC', ...Object.keys(EXTERNAL)]);
const MAX_LIBRARIES = 200;
const ANY_IMAGE_SOURCE_IN_FILES = new Set([1, 2, 3, 6]);
const SEQUENCE = 2;
const TILED = 6;

/** @throws FarmError `invalid` when the file is no .blend that can be read */
export async function inspectBlender(root: string, scene: string): Promise<SceneInspection> {
  const needed = new NeededFiles(root);
  await needed.add(posix.basename(scene), scene);
  const blend = await readBlend(root, scene);
  const current = currentScene(blend);
  if (!current) throw new FarmError('invalid', `${scene} holds no scene: it is a library of objects only.`);
  await followFiles(needed, blend, scene);
  const notes = [`made with Blender ${Math.floor(blend.version / 100)}.${blend.version % 100}`];
  return {
    engine: 'blender',
    root,
    scene,
    ...settingsOf(blend, current),
    files: needed.files,
    missing: needed.missing,
    notes,
  };
}

async function readBlend(root: string, path: string): Promise<BlendFile> {
  try {
    return await BlendFile.read(join(root, path), CODES);
  } catch (error) {
    throw new FarmError('invalid', `${path} cannot be read as a .blend: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** The scene that was open when the file was saved, which is the one that Blender renders. */
function currentScene(blend: BlendFile): BlendBlock | undefined {
  const scenes = blend.blocks.filter((block) => block.code === 'SC');
  const global = blend.blocks.find((block) => block.code === 'GLOB');
  const address = global && blend.pointer(global, blend.struct('FileGlobal'), 'curscene');
  return scenes.find((block) => block.address === address) ?? scenes[0];
}

function settingsOf(
  blend: BlendFile,
  scene: BlendBlock,
): Pick<SceneInspection, 'frames' | 'fps' | 'width' | 'height'> {
  const render = blend.struct('RenderData');
  const base = blend.struct('Scene')?.get('r')?.offset ?? 0;
  const int = (field: string): number | undefined => blend.int(scene, render, field, base);
  const [first, last] = [int('sfra'), int('efra')];
  if (first === undefined || last === undefined)
    throw new FarmError('invalid', 'The .blend does not say which frames its scene has.');
  const scale = (int('size') ?? 100) / 100;
  const [width, height] = [int('xsch'), int('ysch')];
  const fps = int('frs_sec');
  const fpsBase = blend.float(scene, render, 'frs_sec_base', base) ?? 1;
  return {
    frames: frameRange(first, Math.max(first, last)),
    fps: fps === undefined || fpsBase <= 0 ? null : Math.round((fps / fpsBase) * 1000) / 1000,
    width: width === undefined ? null : Math.floor(width * scale),
    height: height === undefined ? null : Math.floor(height * scale),
  };
}

/** Linked libraries need their own files in turn. */
async function followFiles(needed: NeededFiles, blend: BlendFile, path: string): Promise<void> {
  const open: [BlendFile, string][] = [[blend, path]];
  let libraries = 0;
  for (let next = open.shift(); next; next = open.shift()) {
    const [file, from] = next;
    for (const block of file.blocks) {
      const reference = externalFile(file, block);
      if (!reference) continue;
      const known = needed.has(posix.normalize(posix.join(posix.dirname(from), reference.name)));
      const found = await addExternal(needed, reference, from);
      if (block.code !== 'LI' || known || found === undefined) continue;
      if (++libraries > MAX_LIBRARIES)
        throw new FarmError('too-large', `${path} links more than ${MAX_LIBRARIES} libraries.`);
      open.push([await readBlend(needed.root, found), found]);
    }
  }
}

interface ExternalFile {
  /** Relative to the .blend that names it. */
  name: string;
  source: number | undefined;
}

/** The file that a block of data lies in; undefined when it is packed into the .blend or made by Blender. */
function externalFile(file: BlendFile, block: BlendBlock): ExternalFile | undefined {
  const structName = EXTERNAL[block.code];
  const struct = structName === undefined ? undefined : file.struct(structName);
  if (!struct) return undefined;
  const packed = file.pointer(block, struct, 'packedfile') ?? 0n;
  const packedList = file.pointer(block, struct, 'packedfiles') ?? 0n;
  const name = file.text(block, struct, 'filepath') ?? file.text(block, struct, 'name') ?? '';
  if (packed !== 0n || packedList !== 0n || name === '' || name.startsWith('<')) return undefined;
  const source = block.code === 'IM' ? file.int(block, struct, 'source') : undefined;
  if (source !== undefined && !ANY_IMAGE_SOURCE_IN_FILES.has(source)) return undefined;
  // `//` is the folder of the .blend; Windows writes `//..\tex\wood.png`.
  return { name: name.startsWith('//') ? name.slice(2).replaceAll('\\', '/') : absolute(name), source };
}

const absolute = (name: string): string =>
  /^([/\\]|[A-Za-z]:)/.test(name) ? name.replaceAll('\\', '/') : name;

async function addExternal(
  needed: NeededFiles,
  { name, source }: ExternalFile,
  from: string,
): Promise<string | undefined> {
  const folder = posix.normalize(posix.join(posix.dirname(from), posix.dirname(name)));
  const base = posix.basename(name);
  if (source === TILED || base.includes('<UDIM>')) {
    const [before = '', after = ''] = base.split('<UDIM>');
    const isTile = (file: string): boolean => numbered(file, before, after) !== undefined;
    if (!name.startsWith('/') && (await needed.addMatching(folder, isTile)) > 0) return undefined;
  }
  if (source === SEQUENCE && !name.startsWith('/')) {
    const parts = /^(.*?)(\d+)(\D*)$/.exec(base);
    if (parts)
      await needed.addMatching(
        folder,
        (file) => numbered(file, parts[1] ?? '', parts[3] ?? '') !== undefined,
      );
  }
  return needed.add(name, from);
}

/** The digits between the two parts of a name. */
function numbered(file: string, before: string, after: string): string | undefined {
  if (!file.startsWith(before) || !file.endsWith(after)) return undefined;
  const digits = file.slice(before.length, file.length - after.length);
  return /^\d+$/.test(digits) ? digits : undefined;
}
