import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ResultsPage } from '../../shared/contracts/api.ts';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { UnreachableError } from './exit-codes.ts';
import type { FarmClient } from './farm-client.ts';
import { patiently } from './patience.ts';
import { forEachParallel } from './pool.ts';
import type { Progress } from './progress.ts';
import { hashLocalFile } from './upload.ts';

type ResultFile = ResultsPage['files'][number];

/** A result that is on this machine now. */
export interface DownloadedFile {
  path: string;
  step: string;
  frame: number;
  output: string;
  bytes: number;
  sha256: string;
  /** It was there already, with the right checksum. */
  kept: boolean;
}

interface DownloadOptions {
  client: FarmClient;
  progress: Progress;
  signal: AbortSignal;
  /** Only files of this step. */
  step?: string;
  /** What a file is called here; default: as the farm calls it. */
  nameOf?: (file: { name: string }) => string;
}

const PARALLEL_DOWNLOADS = 8;

/** Takes a job's results home, each checked by its SHA-256 before it gets its name. */
export class ResultDownloader {
  readonly #jobId: string;
  readonly #dir: string;
  readonly #options: DownloadOptions;
  /** By name: the checksum that is on disk. */
  readonly #have = new Map<string, DownloadedFile>();

  constructor(jobId: string, dir: string, options: DownloadOptions) {
    this.#jobId = jobId;
    this.#dir = resolve(dir);
    this.#options = options;
  }

  /** By step and frame. */
  get files(): DownloadedFile[] {
    return [...this.#have.values()].sort(
      (a, b) => a.step.localeCompare(b.step) || a.frame - b.frame || a.path.localeCompare(b.path),
    );
  }

  get bytes(): number {
    return this.files.reduce((sum, file) => sum + file.bytes, 0);
  }

  /**
   * Downloads every result that there is by now and not yet here.
   * @throws FarmError when a file arrives with other bytes than the farm promised; RefusedError, UnreachableError.
   */
  async takeAll(): Promise<void> {
    const { client, signal, progress, step } = this.#options;
    await mkdir(this.#dir, { recursive: true });
    let cursor: string | undefined;
    do {
      const at = cursor;
      const ask = (): Promise<ResultsPage> =>
        client.results(this.#jobId, {
          ...(step === undefined ? {} : { step }),
          ...(at === undefined ? {} : { cursor: at }),
        });
      const page = await patiently(ask, { signal, say: (text) => progress.note(text) });
      await this.#takePage(page, ask);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  async #takePage(page: ResultsPage, ask: () => Promise<ResultsPage>): Promise<void> {
    let files = page.files;
    // Links hold for some minutes only: on a slow line the page is asked for again and the rest goes on with fresh ones.
    for (;;) {
      const expired: ResultFile[] = [];
      await forEachParallel(files, PARALLEL_DOWNLOADS, async (file) => {
        if (!(await this.#take(file))) expired.push(file);
      });
      if (expired.length === 0) return;
      if (expired.length === files.length)
        throw new UnreachableError(`The farm's storage does not accept the links that the farm gave out.`);
      const wanted = new Set(expired.map((file) => file.name));
      files = (await ask()).files.filter((file) => wanted.has(file.name));
    }
  }

  /** @returns false when the link has expired. */
  async #take(file: ResultFile): Promise<boolean> {
    if (!isSafePath(file.name) || file.name.includes('/'))
      throw new FarmError(
        'refused',
        `The farm names a file ${JSON.stringify(file.name)}; that is not a plain file name.`,
      );
    if (this.#have.get(file.name)?.sha256 === file.sha256) return true;
    const path = join(this.#dir, this.#options.nameOf?.(file) ?? file.name);
    const { step, frame, output, bytes, sha256 } = file;
    const here: DownloadedFile = { path, step, frame, output, bytes, sha256, kept: true };
    if (!(await isComplete(path, file))) {
      const { signal, progress } = this.#options;
      const taken = await patiently(() => fetchFile(file, path, signal), {
        signal,
        say: (text) => progress.note(text),
      });
      if (!taken) return false;
      here.kept = false;
    }
    this.#have.set(file.name, here);
    return true;
  }
}

async function isComplete(path: string, file: ResultFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || found.size !== file.bytes) return false;
  return (await hashLocalFile(path)).sha256 === file.sha256;
}

/** To `<name>.part` first, so that a file under its own name is always whole. */
async function fetchFile(file: ResultFile, path: string, signal: AbortSignal): Promise<boolean> {
  const part = `${path}.part`;
  const hash = createHash('sha256');
  try {
    const response = await fetch(file.url, { signal });
    if (response.status === 403) {
      await response.body?.cancel();
      return false;
    }
    if (!response.ok || response.body === null)
      throw new Error(`status ${response.status}: ${(await response.text()).slice(0, 300)}`);
    await pipeline(
      Readable.fromWeb(response.body),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(part),
    );
  } catch (error) {
    await rm(part, { force: true });
    signal.throwIfAborted();
    if (isLocalTrouble(error))
      throw new FarmError('unavailable', `${path} cannot be written: ${messageOf(error)}`, { cause: error });
    throw new UnreachableError(`${file.name} could not be downloaded (${messageOf(error)}).`, {
      cause: error,
    });
  }
  if (hash.digest('hex') !== file.sha256) {
    await rm(part, { force: true });
    throw new FarmError(
      'internal',
      `${file.name} arrived with other bytes than the farm stored (SHA-256 differs). Download it again.`,
    );
  }
  await rename(part, path);
  return true;
}

const LOCAL_CODES = new Set([
  'ENOSPC',
  'EACCES',
  'EPERM',
  'EROFS',
  'EISDIR',
  'EDQUOT',
  'ENOENT',
  'ENAMETOOLONG',
]);

function isLocalTrouble(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && LOCAL_CODES.has(error.code)
  );
}
