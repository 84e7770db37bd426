import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import type { AssetManifest, ManifestFile } from '../../shared/contracts/manifest.ts';
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
  const manifest = JSON.parse((await readObject(objects, asset)).toString('utf8')) as AssetManifest;
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
  if (pack === undefined) return await readObject(objects, sha256);
  const stored = (await readObject(objects, pack.sha256)).subarray(pack.offset, pack.offset + pack.size);
  return pack.encoding === undefined
    ? stored
    : zstdDecompressSync(stored, { maxOutputLength: Math.max(1, size) });
}

async function readObject(objects: ObjectStore, sha256: string): Promise<Buffer> {
  const stream = await objects.read(assetKey(sha256));
  if (!stream) throw new FarmError('not-found', `The store holds no ${sha256}.`);
  return Buffer.concat((await stream.toArray()) as Buffer[]);
}
