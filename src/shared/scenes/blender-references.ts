import { basename, extname } from 'node:path';
import type { BlendBlock, BlendFile } from './blend-file.ts';
import type { BlenderFileKind } from './blender-files.ts';

/** Something that a .blend reads from another file. */
export interface BlenderReference {
  kind: BlenderFileKind;
  /** As it stands in the file: `//textures/wood.png`. */
  path: string;
  /** `sequence`: the files whose names differ in the number only; `tiles`: `<UDIM>`, `<UVTILE>` stands for the tile. */
  what: 'file' | 'sequence' | 'tiles' | 'folder';
}

/** Codes of the data-blocks that may lie in other files, the struct that each holds, and what it names. */
const DATA_BLOCKS: Readonly<Record<string, [struct: string, kind: BlenderFileKind]>> = {
  LI: ['Library', 'library'],
  IM: ['Image', 'picture'],
  VF: ['VFont', 'font'],
  SO: ['bSound', 'sound'],
  MC: ['MovieClip', 'picture'],
  CF: ['CacheFile', 'geometry'],
  VO: ['Volume', 'volume'],
};
export const DATA_BLOCK_CODES: readonly string[] = Object.keys(DATA_BLOCKS);

/** Structs deeper in the data that name files, and the field that does. */
const DEEPER: Readonly<Record<string, string>> = {
  FluidDomainSettings: 'cache_directory',
  MeshCacheModifierData: 'filepath',
  PointCache: 'path',
  OceanModifierData: 'cachepath',
  NodeShaderTexIES: 'filepath',
};
export const DEEPER_STRUCTS: readonly string[] = Object.keys(DEEPER);

/** DNA_image_types.h, DNA_movieclip_types.h, DNA_pointcache_types.h, DNA_modifier_types.h of Blender's sources. */
const IMAGE_SOURCE = { sequence: 2, tiled: 6, inFiles: new Set([1, 2, 3, 6]) };
const CLIP_IS_SEQUENCE = 1;
const CACHE_ON_DISK = 1 << 6;
const CACHE_EXTERNAL = 1 << 9;
const OCEAN_CACHED = 1 << 0;

/** Every reference to another file, once a block. @param name of the .blend, which caches on disk are named after */
export function* referencesOf(blend: BlendFile, name: string): Generator<BlenderReference> {
  for (const block of blend.blocks) {
    const data = DATA_BLOCKS[block.code];
    if (data) {
      const reference = dataReference(blend, block, ...data);
      if (reference) yield reference;
      continue;
    }
    const struct = blend.structName(block) ?? '';
    const field = DEEPER[struct];
    if (field === undefined) continue;
    for (const at of blend.placesIn(block)) {
      const reference = deeperReference(blend, block, { struct, field, at }, name);
      if (reference) yield reference;
    }
  }
}

/** undefined when the data is packed into the .blend or made by Blender. */
function dataReference(
  blend: BlendFile,
  block: BlendBlock,
  structName: string,
  kind: BlenderFileKind,
): BlenderReference | undefined {
  const struct = blend.struct(structName);
  const isPacked = ['packedfile', 'packedfiles'].some(
    (field) => (blend.pointer(block, struct, field) ?? 0n) !== 0n,
  );
  const path = blend.text(block, struct, 'filepath') ?? blend.text(block, struct, 'name') ?? '';
  if (isPacked || path === '' || path.startsWith('<')) return undefined;
  const source = blend.int(block, struct, 'source');
  if (block.code === 'IM') {
    if (source !== undefined && !IMAGE_SOURCE.inFiles.has(source)) return undefined;
    if (source === IMAGE_SOURCE.tiled || /<(UDIM|UVTILE)>/.test(path)) return { kind, path, what: 'tiles' };
  }
  const sequence = block.code === 'IM' ? IMAGE_SOURCE.sequence : CLIP_IS_SEQUENCE;
  const isSequence =
    ((block.code === 'IM' || block.code === 'MC') && source === sequence) ||
    (blend.int(block, struct, 'is_sequence') ?? 0) !== 0;
  return { kind, path, what: isSequence ? 'sequence' : 'file' };
}

function deeperReference(
  blend: BlendFile,
  block: BlendBlock,
  { struct: structName, field, at }: { struct: string; field: string; at: number },
  name: string,
): BlenderReference | undefined {
  const struct = blend.struct(structName);
  const path = blend.text(block, struct, field, at) ?? '';
  const flag = blend.int(block, struct, 'flag', at) ?? 0;
  switch (structName) {
    case 'PointCache':
      if ((flag & CACHE_EXTERNAL) !== 0 && path !== '') return { kind: 'cache', path, what: 'folder' };
      if ((flag & CACHE_ON_DISK) === 0) return undefined;
      return { kind: 'cache', path: `//blendcache_${basename(name, extname(name))}`, what: 'folder' };
    case 'OceanModifierData':
      return (flag & OCEAN_CACHED) === 0 || path === '' ? undefined : { kind: 'cache', path, what: 'folder' };
    case 'FluidDomainSettings':
      return path === '' ? undefined : { kind: 'cache', path, what: 'folder' };
    case 'NodeShaderTexIES':
      return path === '' ? undefined : { kind: 'light', path, what: 'file' };
    default:
      return path === '' ? undefined : { kind: 'cache', path, what: 'file' };
  }
}
