import type { ResultsPage } from '../../shared/contracts/api.ts';
import type { StoredCheck } from '../../shared/contracts/delivery-api.ts';
import { mapConcurrently } from '../storage/map-concurrently.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { frameCursor } from './frame-queries.ts';
import type { ResultReader } from './result-reader.ts';
import type { ResultSelection } from './result-selection.ts';

const LOOKS_AT_ONCE = 16;

export interface ResultListQuery extends ResultSelection {
  jobId: string;
  pattern?: string | undefined;
  /** Frames a page; each may have several files. */
  limit: number;
  cursor?: string | undefined;
}

/** Accepted files with the names that people see, and links to them. */
export class ResultQueries {
  readonly #reader: ResultReader;
  readonly #objects: ObjectStore;

  constructor(reader: ResultReader, objects: ObjectStore) {
    this.#reader = reader;
    this.#objects = objects;
  }

  /** In the order of the steps, then by frame; all files of a frame are on one page. */
  async list({ jobId, pattern, limit, cursor, ...selection }: ResultListQuery): Promise<ResultsPage> {
    const after = decodeCursor(frameCursor, cursor);
    const results = await this.#reader.open(jobId, selection, pattern);
    const page = await this.#reader.page(results, after, limit);
    const files = await Promise.all(
      page.files.map(async ({ step, frame, output, name, bytes, sha256, key }) => ({
        step,
        frame,
        output,
        name,
        bytes,
        sha256,
        url: await this.#objects.signDownload(key, name),
      })),
    );
    return { files, next: page.next ? encodeCursor(page.next) : null };
  }

  /** Asks the storage for each file of a page: the ledger alone does not know that somebody removed an object. */
  async check({ jobId, pattern, limit, cursor, ...selection }: ResultListQuery): Promise<StoredCheck> {
    const after = decodeCursor(frameCursor, cursor);
    const results = await this.#reader.open(jobId, selection, pattern);
    const page = await this.#reader.page(results, after, limit);
    const looked = await mapConcurrently(page.files, LOOKS_AT_ONCE, async (file) => {
      const { name, step, frame, output, bytes, key } = file;
      return { name, step, frame, output, bytes, storedBytes: (await this.#objects.size(key)) ?? null };
    });
    return {
      files: looked.length,
      wrong: looked.filter(({ bytes, storedBytes }) => bytes !== storedBytes),
      next: page.next ? encodeCursor(page.next) : null,
    };
  }
}
