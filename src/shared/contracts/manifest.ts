import { z } from 'zod';

/** Paths inside an asset: relative, forward slashes, no climbing out. */
export const assetPathSchema = z
  .string()
  .min(1)
  .max(1_024)
  .refine(
    isSafePath,
    'a relative path with "/" and without "..", empty parts, backslashes or control characters',
  );

/** 100,000 files with long paths. */
export const MAX_MANIFEST_BYTES = 64_000_000;

/** Files up to this size travel in packs; larger ones are objects of their own. */
export const MAX_PACKED_FILE_BYTES = 131_072;
/** No pack is larger. */
export const MAX_PACK_BYTES = 67_108_864;
/** What packing may save. More than this is an archive bomb, or not worth unpacking. */
const MAX_ZSTD_RATIO = 200;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');

/** Where a small file lies in a pack: `size` bytes from `offset` on, which are the file or, as `zstd`, one frame of it. */
const packedSchema = z
  .strictObject({
    sha256: sha256Schema,
    offset: z.int().min(0),
    size: z.int().min(0),
    encoding: z.literal('zstd').optional(),
  })
  .refine(({ offset, size }) => offset + size <= MAX_PACK_BYTES, `a place within ${MAX_PACK_BYTES} bytes`);

const manifestFileSchema = z
  .strictObject({
    path: assetPathSchema,
    size: z.int().min(0),
    sha256: sha256Schema,
    pack: packedSchema.optional(),
  })
  .refine(
    isHonestlyPacked,
    `a file whose size agrees with its place in the pack: at most ${MAX_PACKED_FILE_BYTES} bytes, as many as the pack has of it or, as zstd, at most ${MAX_ZSTD_RATIO} times as many`,
  );
export type ManifestFile = z.infer<typeof manifestFileSchema>;
export type PackedPlace = z.infer<typeof packedSchema>;

/** `asset:<sha256>` names one of these, as canonical JSON (files sorted by path, no white space). */
export const assetManifestSchema = z.strictObject({
  version: z.literal(1),
  files: z.array(manifestFileSchema).min(1).max(100_000),
  /**
   * A folder on the machine that the files come from: absolute paths in the scene that lie in it mean files of this asset
   * (`/home/ada/show/tex/wood.png` is `tex/wood.png` where this is `/home/ada/show`).
   */
  origin: z
    .string()
    .min(1)
    .max(1_024)
    .refine(isAbsolutePath, 'an absolute path without control characters')
    .optional(),
});
export type AssetManifest = z.infer<typeof assetManifestSchema>;

export function isSafePath(path: string): boolean {
  if (path.startsWith('/') || /[\\\u0000-\u001f\u007f]/.test(path) || /^[A-Za-z]:/.test(path)) return false;
  if (!path.isWellFormed()) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function isAbsolutePath(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(path) && !/[\u0000-\u001f\u007f]/.test(path) && path.isWellFormed();
}

function isHonestlyPacked({ size, pack }: { size: number; pack?: PackedPlace | undefined }): boolean {
  if (pack === undefined) return true;
  if (size > MAX_PACKED_FILE_BYTES) return false;
  return pack.encoding === undefined ? pack.size === size : size <= pack.size * MAX_ZSTD_RATIO;
}

/** The bytes whose SHA-256 names the asset. */
export function canonicalManifest(manifest: AssetManifest): string {
  const files = manifest.files
    .map(({ path, size, sha256, pack }) => ({ path, size, sha256, ...(pack && { pack: inOrder(pack) }) }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return JSON.stringify({
    version: 1,
    files,
    ...(manifest.origin !== undefined && { origin: manifest.origin }),
  });
}

function inOrder({ sha256, offset, size, encoding }: PackedPlace): PackedPlace {
  return { sha256, offset, size, ...(encoding && { encoding }) };
}

/** An object that an asset consists of, and the bytes that it must have. */
export interface AssetObject {
  sha256: string;
  /** A pack may be larger than what this asset uses of it. */
  leastBytes: number;
  mostBytes: number;
}

/** The objects that hold a manifest's files, each once. */
export function objectsOf({ files }: AssetManifest): AssetObject[] {
  const objects = new Map<string, AssetObject>();
  for (const { sha256, size, pack } of files) {
    if (pack === undefined) {
      objects.set(sha256, { sha256, leastBytes: size, mostBytes: size });
      continue;
    }
    const leastBytes = Math.max(pack.offset + pack.size, objects.get(pack.sha256)?.leastBytes ?? 0);
    objects.set(pack.sha256, { sha256: pack.sha256, leastBytes, mostBytes: MAX_PACK_BYTES });
  }
  return [...objects.values()];
}
