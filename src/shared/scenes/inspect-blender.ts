import { basename, join } from 'node:path';
import { FarmError, messageOf } from '../domain/errors.ts';
import { BlendFile, type BlendBlock } from './blend-file.ts';
import { BlenderFiles } from './blender-files.ts';
import {
  DATA_BLOCK_CODES,
  DEEPER_STRUCTS,
  referencesOf,
  type BlenderReference,
} from './blender-references.ts';
import { scriptsOf } from './blender-scripts.ts';
import { frameRange, type DataSlot, type InspectOptions, type SceneInspection } from './scene-inspection.ts';

const CODES = new Set(['GLOB', 'SC', ...DATA_BLOCK_CODES]);
const STRUCTS = new Set(['Object', 'Material', 'Text', 'ChannelDriver', ...DEEPER_STRUCTS]);
const MAX_LIBRARIES = 200;
const MAX_SHOWN = 10;
/** DNA_object_types.h */
const OBJECT_TYPE = { text: 4, camera: 11 };

/** @throws FarmError `invalid` when the file is no .blend that can be read */
export async function inspectBlender(
  home: string,
  scene: string,
  options: InspectOptions = {},
): Promise<SceneInspection> {
  const file = join(home, scene);
  const files = new BlenderFiles(home, options);
  await files.addScene(file);
  const blend = await readBlend(file, scene);
  const current = currentScene(blend);
  if (!current) throw new FarmError('invalid', `${scene} holds no scene: it is a library of objects only.`);
  const found = await followFiles(files, blend, file);
  const { root, origin, files: needed, outside, roots } = files.result();
  const others = blend.blocks.filter((block) => block.code === 'SC' && block !== current);
  return {
    engine: 'blender',
    madeWith: `${Math.floor(blend.version / 100)}.${blend.version % 100}`,
    root,
    scene: needed[0]?.path ?? scene,
    ...settingsOf(blend, current),
    files: needed,
    origin,
    roots,
    scenes: [current, ...others].map((block) => blend.idName(block)),
    cameras: objectsOf(blend, OBJECT_TYPE.camera),
    slots: slotsOf(blend),
    missing: files.missing,
    warnings: [...scriptWarnings(found.scripts), ...found.warnings],
    notes: outside.length === 0 ? [] : [`also from outside its folder: ${listed(outside)}`],
  };
}

async function readBlend(file: string, shown: string): Promise<BlendFile> {
  try {
    return await BlendFile.read(file, { codes: CODES, structs: STRUCTS, keep });
  } catch (error) {
    throw new FarmError('invalid', `${shown} cannot be read as a .blend: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** Of a scene's many objects only those that are of use. */
function keep(blend: BlendFile, block: BlendBlock, struct: string): boolean {
  if (struct !== 'Object') return true;
  const type = blend.int(block, blend.struct('Object'), 'type');
  return type === OBJECT_TYPE.camera || type === OBJECT_TYPE.text;
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

function objectsOf(blend: BlendFile, type: number): string[] {
  const struct = blend.struct('Object');
  return blend.blocks
    .filter((block) => blend.structName(block) === 'Object' && blend.int(block, struct, 'type') === type)
    .map((block) => blend.idName(block));
}

/** What `data` may name: text objects, and materials by their colour. */
function slotsOf(blend: BlendFile): DataSlot[] {
  const materials = blend.blocks.filter((block) => blend.structName(block) === 'Material');
  return [
    ...objectsOf(blend, OBJECT_TYPE.text).map((name) => ({ name, kind: 'text' as const })),
    ...materials.map((block) => ({ name: blend.idName(block), kind: 'colour' as const })),
  ];
}

/** Linked libraries need their own files in turn, and bring their own scripts. */
async function followFiles(
  files: BlenderFiles,
  blend: BlendFile,
  file: string,
): Promise<{ scripts: string[]; warnings: string[] }> {
  const open: [BlendFile, string][] = [[blend, file]];
  const scripts = new Set<string>();
  const warnings = new Set<string>();
  let libraries = 0;
  for (let next = open.shift(); next; next = open.shift()) {
    const [from, path] = next;
    for (const script of scriptsOf(from)) scripts.add(script);
    const seen = new Set<string>();
    for (const reference of referencesOf(from, path)) {
      const key = `${reference.what} ${reference.path}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const target = files.locate(reference.path, path);
      const known = target !== undefined && files.has(target);
      const found = await addReference(files, reference, path, warnings);
      if (reference.kind !== 'library' || known || found === undefined) continue;
      if (++libraries > MAX_LIBRARIES)
        throw new FarmError('too-large', `${basename(file)} links more than ${MAX_LIBRARIES} libraries.`);
      open.push([await readBlend(found, reference.path.replace(/^\/\//, '')), found]);
    }
  }
  return { scripts: [...scripts], warnings: [...warnings] };
}

async function addReference(
  files: BlenderFiles,
  { kind, path, what }: BlenderReference,
  from: string,
  warnings: Set<string>,
): Promise<string | undefined> {
  if (await files.isShared(path, from, what === 'file')) return undefined;
  const name = path.split(/[\\/]/).at(-1) ?? '';
  if (what === 'folder') {
    if ((await files.addFolder(path, from)) === 0)
      warnings.add(
        `the simulation cache ${path} is not there, or its folder may not come along: frames that are rendered apart will not agree; bake it into a folder beside the scene and submit again`,
      );
    return undefined;
  }
  const matches = what === 'tiles' ? tileTest(name) : what === 'sequence' ? sequenceTest(name) : undefined;
  const count = matches ? await files.addMatching(path, from, kind, matches) : 0;
  return count > 0 ? undefined : files.add(path, from, kind);
}

/** `wood.<UDIM>.png` has the tiles 1001 and on, `wood.<UVTILE>.png` has u1_v1 and on. */
function tileTest(name: string): ((file: string) => boolean) | undefined {
  for (const [token, pattern] of [
    ['<UDIM>', /^\d{4}$/],
    ['<UVTILE>', /^u\d+_v\d+$/],
  ] as const) {
    const [before = '', after] = name.split(token);
    if (after !== undefined) return (file) => pattern.test(between(file, before, after) ?? '');
  }
  return undefined;
}

function sequenceTest(name: string): ((file: string) => boolean) | undefined {
  const [, before, , after] = /^(.*?)(\d+)(\D*)$/.exec(name) ?? [];
  if (before === undefined || after === undefined) return undefined;
  return (file) => /^\d+$/.test(between(file, before, after) ?? '');
}

/** What stands between the two parts of a name. */
function between(file: string, before: string, after: string): string | undefined {
  if (file.length < before.length + after.length || !file.startsWith(before) || !file.endsWith(after))
    return undefined;
  return file.slice(before.length, file.length - after.length);
}

function scriptWarnings(scripts: readonly string[]): string[] {
  if (scripts.length === 0) return [];
  return [
    `it has scripts that are not run unless you trust them (${listed(scripts)}): its step is held until you decide; ` +
      '--param trustScripts=true lets them run, trustScripts=false renders without them',
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_SHOWN;
  return names.slice(0, MAX_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
