import { PARTS_FROM_BYTES, partBytesOf } from '../../../../src/shared/contracts/asset-api.ts';
import type { DroppedFile } from './dropped-files.ts';
import { forEachParallel } from './pool.ts';
import type { HashNews, HashRequest } from './hash-worker.ts';

export interface HashedFile extends DroppedFile {
  size: number;
  sha256: string;
  /** SHA-256 of each part, of a file that is uploaded in parts. */
  parts: readonly string[];
}

/** A file is no longer what it was when somebody chose it. */
export class ChangedFileError extends Error {
  constructor(path: string) {
    super(`${path} has changed or is gone since it was added. Add it again.`);
    this.name = 'ChangedFileError';
  }
}

const MOST_WORKERS = 4;

/**
 * Hashes files in workers, so that the page stays quick.
 * @param onRead told how many bytes more were read
 * @param onHashed given each file as soon as it is done
 * @throws ChangedFileError, the signal's reason
 */
export async function hashFiles(
  files: readonly DroppedFile[],
  {
    signal,
    onRead,
    onHashed,
  }: { signal: AbortSignal; onRead: (bytes: number) => void; onHashed: (file: HashedFile) => void },
): Promise<void> {
  const width = Math.min(MOST_WORKERS, navigator.hardwareConcurrency, files.length);
  const idle = Array.from({ length: width }, makeWorker);
  const all = [...idle];
  try {
    await forEachParallel(files, width, async ({ path, file }) => {
      signal.throwIfAborted();
      const worker = idle.pop() ?? makeWorker();
      const partBytes = file.size >= PARTS_FROM_BYTES ? partBytesOf(file.size) : null;
      const { sha256, parts } = await ask(worker, { file, partBytes }, { path, signal, onRead });
      idle.push(worker);
      onHashed({ path, file, size: file.size, sha256, parts });
    });
  } finally {
    for (const worker of all) worker.terminate();
  }
}

/** The SHA-256 of a few bytes, such as a pack's. */
export async function hashBlob(blob: Blob, path: string, signal: AbortSignal): Promise<string> {
  const worker = makeWorker();
  try {
    const request = { file: blob, partBytes: null };
    return (await ask(worker, request, { path, signal, onRead: () => undefined })).sha256;
  } finally {
    worker.terminate();
  }
}

function makeWorker(): Worker {
  return new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });
}

function ask(
  worker: Worker,
  request: HashRequest,
  { path, signal, onRead }: { path: string; signal: AbortSignal; onRead: (bytes: number) => void },
): Promise<{ sha256: string; parts: string[] }> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      worker.terminate();
      reject(new DOMException('stopped', 'AbortError'));
    };
    const end = (): void => {
      worker.removeEventListener('message', listen);
      signal.removeEventListener('abort', stop);
    };
    const listen = ({ data }: MessageEvent<HashNews>): void => {
      if ('read' in data) {
        onRead(data.read);
        return;
      }
      end();
      if ('sha256' in data) resolve(data);
      else reject('changed' in data ? new ChangedFileError(path) : new Error(`${path}: ${data.failed}`));
    };
    worker.addEventListener('message', listen);
    worker.addEventListener(
      'error',
      () => reject(new Error('The browser did not start the hashing of files.')),
      {
        once: true,
      },
    );
    signal.addEventListener('abort', stop, { once: true });
    worker.postMessage(request);
  });
}
