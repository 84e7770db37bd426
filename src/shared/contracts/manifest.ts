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

/** `asset:<sha256>` names one of these, as canonical JSON (files sorted by path, no white space). */
export const assetManifestSchema = z.strictObject({
  version: z.literal(1),
  files: z
    .array(
      z.strictObject({
        path: assetPathSchema,
        size: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(100_000),
});
export type AssetManifest = z.infer<typeof assetManifestSchema>;

export function isSafePath(path: string): boolean {
  if (path.startsWith('/') || /[\\\u0000-\u001f\u007f]/.test(path) || /^[A-Za-z]:/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** The bytes whose SHA-256 names the asset. */
export function canonicalManifest(manifest: AssetManifest): string {
  const files = manifest.files
    .map(({ path, size, sha256 }) => ({ path, size, sha256 }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return JSON.stringify({ version: 1, files });
}
