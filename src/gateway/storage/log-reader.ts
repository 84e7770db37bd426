import type { LogReply } from '../../shared/contracts/api.ts';
import type { AttemptLog, AttemptQueries } from '../ledger/attempt-queries.ts';
import type { LogBuffer } from '../messaging/log-buffer.ts';
import { sliceLog, tailOf, wholeLog, type LogSlice } from './log-text.ts';
import type { StoredLogs } from './stored-log.ts';

/** The most of a log that one answer carries. */
export const MAX_LOG_BYTES = 262_144;

/** An attempt's log, wherever it is at the moment: in the object store once it has ended, in LOGS while it runs. */
export class LogReader {
  readonly #attempts: AttemptQueries;
  readonly #stored: StoredLogs;
  readonly #buffer: LogBuffer;

  constructor(attempts: AttemptQueries, stored: StoredLogs, buffer: LogBuffer) {
    this.#attempts = attempts;
    this.#stored = stored;
    this.#buffer = buffer;
  }

  /** @throws FarmError `not-found` when the job has no such attempt. */
  async read(jobId: string, attempt: string, offset: number): Promise<LogReply> {
    const where = await this.#attempts.log(attempt, jobId);
    const stored =
      where.logKey === null ? undefined : await this.#stored.slice(where.logKey, offset, MAX_LOG_BYTES);
    const slice = stored ?? { ...(await this.#running(where, attempt, offset)), line: null };
    // An ended log whose text is longer than a piece has ended for the reader only when nothing more came.
    const ended = where.ended && slice.text === '';
    return { attempt, ...slice, ended };
  }

  /**
   * The piece that ends at `before`, or the last one. Of an attempt that runs the last one is told, whatever is asked for.
   * @throws FarmError `not-found` when the job has no such attempt.
   */
  async readBefore(jobId: string, attempt: string, before?: number): Promise<LogReply> {
    const where = await this.#attempts.log(attempt, jobId);
    const stored =
      where.logKey === null ? undefined : await this.#stored.tail(where.logKey, MAX_LOG_BYTES, before);
    const slice = stored ?? { ...(await this.#tailOfRunning(where, attempt)), line: null };
    return { attempt, ...slice, ended: where.ended && slice.text === '' };
  }

  /** All of it that is kept, piece by piece. @throws FarmError `not-found` when the job has no such attempt. */
  async whole(jobId: string, attempt: string): Promise<AsyncIterable<Buffer>> {
    const where = await this.#attempts.log(attempt, jobId);
    const stored = where.logKey === null ? undefined : await this.#stored.plain(where.logKey);
    if (stored) return stored;
    return asPieces(Buffer.from(wholeLog(await this.#buffer.read(where.jobId, where.taskId, attempt))));
  }

  /** The newest piece of an attempt's log. @throws FarmError `not-found` */
  async tail(attempt: string): Promise<LogSlice> {
    const where = await this.#attempts.log(attempt);
    const stored = where.logKey === null ? undefined : await this.#stored.tail(where.logKey, MAX_LOG_BYTES);
    return stored ?? (await this.#tailOfRunning(where, attempt));
  }

  async #tailOfRunning(where: AttemptLog, attempt: string): Promise<LogSlice> {
    const pieces = await this.#buffer.read(where.jobId, where.taskId, attempt);
    // From the end backwards as far as nothing is missing.
    const last = pieces.at(-1);
    if (!last) return { offset: 0, text: '', nextOffset: 0 };
    let from = last.offset;
    for (const piece of pieces.toReversed()) {
      if (piece.offset + Buffer.byteLength(piece.text) < from) break;
      from = Math.min(from, piece.offset);
    }
    const whole = sliceLog(pieces, from, Number.POSITIVE_INFINITY);
    return tailOf(Buffer.from(whole.text), whole.nextOffset, MAX_LOG_BYTES);
  }

  async #running(where: AttemptLog, attempt: string, offset: number) {
    return sliceLog(await this.#buffer.read(where.jobId, where.taskId, attempt), offset, MAX_LOG_BYTES);
  }
}

async function* asPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}
