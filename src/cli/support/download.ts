import { mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ResultsPage } from '../../shared/contracts/api.ts';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { UnreachableError } from './exit-codes.ts';
import type { FarmClient, FileSelection } from './farm-client.ts';
import { fetchFile } from './fetch-file.ts';
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
  /** Only these files, and what the farm calls them. */
  selection?: FileSelection;
  /** Told of each file that is here. */
  onFile?: (files: number, bytes: number) => void;
  /** What a file is called here; default: as the farm calls it. */
  nameOf?: (file: { name: string }) => string;
}

const PARALLEL_DOWNLOADS = 12;
/** Frames: small enough that the first files come at once. */
const PAGE = 100;

/** Files of one page of the farm's list; their links hold for some minutes only. */
interface ListedPage {
  files: readonly ResultFile[];
  /** Asks for the same page anew. */
  ask: () => Promise<ResultsPage>;
  /** The page with newer links, once somebody needed them. */
  renewed?: Promise<Map<string, ResultFile>>;
}

/** Takes a job's results home, each checked by its SHA-256 before it gets its name. */
export class ResultDownloader {
  readonly #jobId: string;
  readonly #dir: string;
  readonly #options: DownloadOptions;
  /** By name: the checksum that is on disk. */
  readonly #have = new Map<string, DownloadedFile>();
  #bytes = 0;

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

  get count(): number {
    return this.#have.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Downloads every result that there is by now and not yet here.
   * @throws FarmError when a file arrives with other bytes than the farm promised; RefusedError, UnreachableError.
   */
  async takeAll(): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    await forEachParallel(this.#listed(), PARALLEL_DOWNLOADS, ({ file, page }) => this.#take(file, page));
  }

  /** Every file of the farm's list; the next page is asked for while the one before is fetched. */
  async *#listed(): AsyncGenerator<{ file: ResultFile; page: ListedPage }> {
    const { client, signal, progress, selection = {} } = this.#options;
    const ask = (cursor?: string): Promise<ResultsPage> =>
      patiently(
        () =>
          client.results(this.#jobId, {
            ...selection,
            limit: PAGE,
            ...(cursor !== undefined && { cursor }),
          }),
        { signal, say: (text) => progress.note(text) },
      );
    let asked: { cursor?: string; answer: Promise<ResultsPage> } | undefined = { answer: ask() };
    while (asked !== undefined) {
      const { cursor }: { cursor?: string } = asked;
      const { files, next }: ResultsPage = await asked.answer;
      asked = next === null ? undefined : { cursor: next, answer: ask(next) };
      asked?.answer.catch(() => undefined); // said when its turn comes
      const page: ListedPage = { files, ask: () => ask(cursor) };
      for (const file of files) yield { file, page };
    }
  }

  async #take(listed: ResultFile, page: ListedPage): Promise<void> {
    if (!isSafePath(listed.name) || listed.name.includes('/'))
      throw new FarmError(
        'refused',
        `The farm names a file ${JSON.stringify(listed.name)}; that is not a plain file name.`,
      );
    if (this.#have.get(listed.name)?.sha256 === listed.sha256) return;
    const path = join(this.#dir, this.#options.nameOf?.(listed) ?? listed.name);
    const kept = await isComplete(path, listed);
    const { step, frame, output, bytes, sha256 } = kept ? listed : await this.#fetch(listed, page, path);
    this.#bytes += bytes - (this.#have.get(listed.name)?.bytes ?? 0);
    this.#have.set(listed.name, { path, step, frame, output, bytes, sha256, kept });
    this.#options.onFile?.(this.count, this.#bytes);
  }

  /** @returns what was fetched: rendered again meanwhile, it is another file than was listed */
  async #fetch(listed: ResultFile, page: ListedPage, path: string): Promise<ResultFile> {
    if (await this.#fetched(listed, path)) return listed;
    page.renewed ??= page.ask().then(({ files }) => new Map(files.map((file) => [file.name, file])));
    const newer = (await page.renewed).get(listed.name);
    if (newer !== undefined && (await this.#fetched(newer, path))) return newer;
    // On a slow line the newer links may have grown old too.
    delete page.renewed;
    const newest = (await page.ask()).files.find(({ name }) => name === listed.name);
    if (newest !== undefined && (await this.#fetched(newest, path))) return newest;
    throw new UnreachableError(`The farm's storage does not accept the link to ${listed.name}.`);
  }

  /** @returns false when the link has expired */
  #fetched(file: ResultFile, path: string): Promise<boolean> {
    const { signal, progress } = this.#options;
    return patiently(() => fetchFile(file, path, signal), { signal, say: (text) => progress.note(text) });
  }
}

async function isComplete(path: string, file: ResultFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || found.size !== file.bytes) return false;
  return (await hashLocalFile(path)).sha256 === file.sha256;
}
