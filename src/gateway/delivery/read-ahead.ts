import type { ObjectStore } from '../storage/object-store.ts';
import { objectBytes, type StoredObject } from './object-bytes.ts';
import type { ZipEntry } from './zip-writer.ts';

/** Objects up to this size are read before their turn, so that nobody waits for the store between two files. */
const SMALL_BYTES = 4_194_304;
const FILES_AHEAD = 4;

interface Ahead {
  file: StoredObject;
  /** Undefined for a large one, which is read when its turn comes. */
  content: Promise<Uint8Array[]> | undefined;
}

/**
 * Files with their bytes, in order; at most four small ones are read ahead, 16 MiB in all.
 * @param signal ends every read
 */
export async function* readAhead(
  files: AsyncIterable<StoredObject>,
  objects: ObjectStore,
  signal: AbortSignal,
): AsyncGenerator<ZipEntry, void, undefined> {
  const queue: Ahead[] = [];
  for await (const file of files) {
    queue.push({ file, content: file.bytes > SMALL_BYTES ? undefined : whole(objects, file, signal) });
    if (queue.length > FILES_AHEAD) yield entryOf(queue.shift(), objects, signal);
  }
  while (queue.length > 0) yield entryOf(queue.shift(), objects, signal);
}

/** In the pieces in which it came: put together, each file would take its size once more. */
function whole(objects: ObjectStore, file: StoredObject, signal: AbortSignal): Promise<Uint8Array[]> {
  const content = piecesOf(objectBytes(objects, file, signal));
  content.catch(() => undefined); // said when its turn comes
  return content;
}

function entryOf(next: Ahead | undefined, objects: ObjectStore, signal: AbortSignal): ZipEntry {
  if (next === undefined) throw new RangeError('Nothing was read ahead');
  const { file, content } = next;
  return {
    name: file.name,
    bytes: file.bytes,
    content: content === undefined ? objectBytes(objects, file, signal) : once(content),
  };
}

async function piecesOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return pieces;
}

async function* once(content: Promise<Uint8Array[]>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* await content;
}
