import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const MOST_AT_ONCE = 1_048_576;

/**
 * Size and SHA-256 (hexadecimal) of a file, read once from beginning to end into one buffer: V8 counts memory outside its
 * heap, and a worker that asks for a mebibyte with each read collects all its garbage every second frame.
 * @param onRead told how many bytes more were read
 */
export async function hashFile(
  path: string,
  onRead?: (bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(Math.max(size, 1), MOST_AT_ONCE));
    const hash = createHash('sha256');
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, null);
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
      onRead?.(bytesRead);
    }
  } finally {
    await file.close();
  }
}
