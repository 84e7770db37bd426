import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { assetKey } from '../../src/shared/storage/keys.ts';
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
