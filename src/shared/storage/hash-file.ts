import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * Size and SHA-256 (hexadecimal) of a file, read once from beginning to end.
 * @param onRead told how many bytes more were read
 */
export async function hashFile(
  path: string,
  onRead?: (bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
    onRead?.(chunk.byteLength);
  }
  return { bytes, sha256: hash.digest('hex') };
}
