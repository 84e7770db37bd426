import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { StoredFile } from '../object-store.ts';

/** Size and SHA-256 of a file, read once from beginning to end. */
export async function hashFile(path: string): Promise<StoredFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(createReadStream(path), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
  });
  return { path, bytes, sha256: hash.digest('hex') };
}
