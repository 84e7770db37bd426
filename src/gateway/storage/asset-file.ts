import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import {
  MAX_MANIFEST_BYTES,
  MAX_PACK_BYTES,
  type AssetManifest,
  type ManifestFile,
} from '../../shared/contracts/manifest.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { assetKey } from '../../shared/storage/keys.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * One small file of an asset, from its own object or from its pack, held against its SHA-256.
 * @throws FarmError `not-found`, or `too-large` for more than `mostBytes`
 */
export async function readAssetFile(
  objects: ObjectStore,
  { asset, path, mostBytes }: { asset: string; path: string; mostBytes: number },
): Promise<Buffer> {
  const manifest = JSON.parse(
    (await readObject(objects, asset, MAX_MANIFEST_BYTES)).toString('utf8'),
  ) as AssetManifest;
  const file = manifest.files.find((one) => one.path === path);
  if (!file) throw new FarmError('not-found', `The asset ${asset} holds no file ${JSON.stringify(path)}.`);
  if (file.size > mostBytes)
    throw new FarmError('too-large', `${JSON.stringify(path)} has more than ${mostBytes} bytes.`);
  const bytes = await fileBytes(objects, file);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256)
    throw new FarmError('internal', `${JSON.stringify(path)} is not stored as it was uploaded.`);
  return bytes;
}

async function fileBytes(objects: ObjectStore, { sha256, size, pack }: ManifestFile): Promise<Buffer> {
  if (pack === undefined) return await readObject(objects, sha256, size);
  const bytes = await readObject(objects, pack.sha256, MAX_PACK_BYTES);
  const stored = bytes.subarray(pack.offset, pack.offset + pack.size);
  return pack.encoding === undefined
    ? stored
    : zstdDecompressSync(stored, { maxOutputLength: Math.max(1, size) });
}

async function readObject(objects: ObjectStore, sha256: string, mostBytes: number): Promise<Buffer> {
  const bytes = await objects.readWhole(assetKey(sha256), mostBytes);
  if (!bytes) throw new FarmError('not-found', `The store holds no ${sha256}.`);
  return bytes;
}
