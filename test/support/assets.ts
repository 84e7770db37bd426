import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { assetKey } from '../../src/shared/storage/keys.ts';
import { canonicalManifest } from '../../src/shared/contracts/manifest.ts';
import type { TestContext } from './farm-context.ts';

/** An asset of one file, of which only the manifest is stored: enough for a job to name it. @returns its SHA-256. */
export async function storeAsset(context: TestContext, path: string): Promise<string> {
  const sha256 = createHash('sha256').update(path).digest('hex');
  const manifest = JSON.stringify({ version: 1, files: [{ path, size: path.length, sha256 }] });
  const asset = createHash('sha256').update(manifest).digest('hex');
  await context.s3.send(
    new PutObjectCommand({ Bucket: context.s3Settings.bucket, Key: assetKey(asset), Body: manifest }),
  );
  return asset;
}

/** An asset with its files, as an upload leaves it. @param files path → content @returns its SHA-256 */
export async function storeFiles(
  { s3, s3Settings }: TestContext,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const put = async (body: Uint8Array): Promise<string> => {
    const sha256 = createHash('sha256').update(body).digest('hex');
    await s3.send(new PutObjectCommand({ Bucket: s3Settings.bucket, Key: assetKey(sha256), Body: body }));
    return sha256;
  };
  const entries = await Promise.all(
    Object.entries(files).map(async ([path, content]) => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      return { path, size: bytes.byteLength, sha256: await put(bytes) };
    }),
  );
  return put(Buffer.from(canonicalManifest({ version: 1, files: entries })));
}
