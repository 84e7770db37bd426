import { setTimeout as pause } from 'node:timers/promises';
import { FarmError } from '../../shared/domain/errors.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** An object with the size that the ledger knows. */
export interface StoredObject {
  name: string;
  key: string;
  bytes: number;
}

const TRIES = 4;
const PAUSE_MS = 200;

/**
 * An object's bytes, in order. A connection that breaks is gone on with from where it broke, so that a slow reader does
 * not lose a large file to a server that has closed an idle connection.
 * @throws FarmError `not-found` when the store has no such object, `internal` for another size; the store's last error
 * after four tries without a byte; the signal's reason
 */
export async function* objectBytes(
  objects: ObjectStore,
  { name, key, bytes }: StoredObject,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let got = 0;
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted();
    try {
      for await (const chunk of streamFrom(objects, { name, key, from: got }, signal)) {
        got += chunk.byteLength;
        tries = 1;
        yield chunk;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FarmError || tries >= TRIES) throw error;
      await pause(PAUSE_MS * tries, undefined, { signal });
      continue;
    }
    if (got === bytes) return;
    throw new FarmError(
      'internal',
      `The stored object of ${name} has ${got} bytes; its frame brought ${bytes}.`,
    );
  }
}

async function* streamFrom(
  objects: ObjectStore,
  { name, key, from }: { name: string; key: string; from: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const stream = await objects.read(key, Infinity, { from, signal });
  if (!stream)
    throw new FarmError('not-found', `The object of ${name} is not in the farm's storage any more.`);
  const end = (): void => void stream.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
