import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

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
    return await hashRange(file, 0, (await file.stat()).size, onRead);
  } finally {
    await file.close();
  }
}

/**
 * As {@link hashFile}, of the `size` bytes of an open file from `at` on, or as many as there are.
 */
export async function hashPart(
  file: FileHandle,
  at: number,
  size: number,
): Promise<{ bytes: number; sha256: string }> {
  return await hashRange(file, at, size, undefined, at + size);
}

async function hashRange(
  file: FileHandle,
  from: number,
  size: number,
  onRead?: (bytes: number) => void,
  end = Infinity,
): Promise<{ bytes: number; sha256: string }> {
  const buffer = Buffer.allocUnsafe(Math.min(Math.max(size, 1), MOST_AT_ONCE));
  const hash = createHash('sha256');
  let at = from;
  for (;;) {
    const wanted = Math.min(buffer.byteLength, end - at);
    const { bytesRead } = wanted === 0 ? { bytesRead: 0 } : await file.read(buffer, 0, wanted, at);
    if (bytesRead === 0) return { bytes: at - from, sha256: hash.digest('hex') };
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
    onRead?.(bytesRead);
  }
}
