import type { NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import { jobStatusSchema } from '../../shared/contracts/messages.ts';
import { messageOf } from '../../shared/domain/errors.ts';
import { backOffMs, pause } from '../../shared/lifecycle/retry.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { NO_MARK, noticeEvents, type JobMark } from '../events/notice-events.ts';
import { readStatuses, statusRange, type ReadFrom, type StatusItem } from '../messaging/status-reader.ts';
import { NotReaderError, writeMarks, type CursorPlace, type IntakeCursor } from './intake-cursor.ts';
import { missedEvents } from './missed-events.ts';
import { recordEvents, type PlacedEvent } from './record-events.ts';

/** While another gateway reads, or there is no webhook. */
const LOOK_EVERY_MS = 2_000;
const MOST_AT_ONCE = 200;
/** How long it takes at most until it is written down that nothing of interest was said. */
const WRITE_EVERY_MS = 2_000;
const SWEEP_EVERY_MS = 60_000;
const SWEEP_FIRST_MS = 5_000;
/** Clocks of NATS and Postgres may differ; what is too old is not told. */
const CLOCK_MARGIN_MS = 60_000;

export interface IntakeParts {
  nats: NatsConnection;
  cursor: IntakeCursor;
  /** New deliveries are there. */
  onDeliveries: () => void;
  log: Logger;
}

/**
 * Reads the stream of job statuses for webhooks, from where any gateway was last. Events and how far they were read are
 * written in one transaction, so that each word is taken in once, whoever dies when.
 */
export class EventIntake {
  readonly #parts: IntakeParts;
  readonly #ended = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #marks = new Map<string, JobMark>();
  #sweepAtMs = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop;
    await this.#parts.cursor.release();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    const { log } = this.#parts;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#work();
        failures = 0;
        await pause(LOOK_EVERY_MS, signal);
      } catch (error) {
        failures++;
        if (!(error instanceof NotReaderError))
          log.warn({ error: messageOf(error) }, 'job statuses cannot be read for webhooks; trying again');
        await pause(backOffMs(failures), signal);
      }
    }
  }

  /** Returns when another gateway reads, when there is nothing to read for, or at the end. */
  async #work(): Promise<void> {
    const { cursor } = this.#parts;
    const place = await cursor.take();
    if (place === undefined) return;
    const oldest = await cursor.oldestWebhook();
    if (oldest === undefined) {
      if (place.lastSequence !== null) await cursor.rest();
      return;
    }
    this.#marks = await cursor.readMarks();
    this.#sweepAtMs = performance.now() + SWEEP_FIRST_MS;
    await this.#follow(place, oldest);
  }

  async #follow(place: CursorPlace, oldest: Date): Promise<void> {
    const { nats, cursor } = this.#parts;
    const { signal } = this.#ended;
    const { created } = await statusRange(nats);
    let batch: StatusItem[] = [];
    /** The last one that was looked at; what is not written yet is looked at again by whoever goes on. */
    let seen = 0;
    let written = 0;
    let writeAtMs = performance.now() + WRITE_EVERY_MS;
    for await (const item of readStatuses(nats, startOf(place, created, oldest), { signal })) {
      if (item !== null) batch.push(item);
      if (item !== null && item.pending > 0 && batch.length < MOST_AT_ONCE) continue;
      const news = this.#notice(batch, created);
      seen = batch.at(-1)?.sequence ?? seen;
      batch = [];
      const isLate = performance.now() >= writeAtMs;
      if (news.events.length > 0 || news.marks.size > 0 || (isLate && seen > written)) {
        await this.#write(seen, created, news);
        written = seen;
      } else if (isLate && (await cursor.take()) === undefined) throw new NotReaderError();
      if (isLate) writeAtMs = performance.now() + WRITE_EVERY_MS;
      if (item !== null) continue;
      if ((await cursor.oldestWebhook()) === undefined) return;
      if (performance.now() >= this.#sweepAtMs) await this.#sweep();
    }
  }

  /** What a batch says, by the marks as they would be then; they are kept once it is written. */
  #notice(
    batch: readonly StatusItem[],
    created: string,
  ): { events: PlacedEvent[]; marks: Map<string, JobMark> } {
    const events: PlacedEvent[] = [];
    const marks = new Map<string, JobMark>();
    for (const { data, subject, sequence, at } of batch) {
      try {
        const status = decodeMessage(jobStatusSchema, data, 'A job status');
        if (status.type !== 'job') continue;
        const { id } = status.job;
        const before = marks.get(id) ?? this.#marks.get(id) ?? NO_MARK;
        const noticed = noticeEvents(status, before, at.toISOString());
        if (!sameMark(noticed.mark, before)) marks.set(id, noticed.mark);
        for (const event of noticed.events)
          events.push({ ...event, place: isLasting(event) ? '' : `${created}/${sequence}` });
      } catch (error) {
        this.#parts.log.warn({ subject, error: messageOf(error) }, 'an unreadable job status');
      }
    }
    return { events, marks };
  }

  async #write(
    lastSequence: number,
    created: string,
    { events, marks }: { events: readonly PlacedEvent[]; marks: ReadonlyMap<string, JobMark> },
  ): Promise<void> {
    const place = { streamCreated: created, lastSequence };
    const made = await this.#parts.cursor.advance(place, async (trx) => {
      await writeMarks(trx, storedMarks(marks));
      return await recordEvents(trx, events);
    });
    this.#keep(marks, made);
  }

  async #sweep(): Promise<void> {
    const { cursor } = this.#parts;
    const { result, more } = await cursor.sweep(async (trx, time) => {
      const missed = await missedEvents(trx, time, this.#marks);
      await writeMarks(trx, storedMarks(missed.marks));
      return { marks: missed.marks, made: await recordEvents(trx, missed.events) };
    });
    this.#keep(result.marks, result.made);
    this.#sweepAtMs = more ? 0 : performance.now() + SWEEP_EVERY_MS;
    if (!more) await cursor.prune();
  }

  #keep(marks: ReadonlyMap<string, JobMark>, made: number): void {
    for (const [id, mark] of marks)
      if (isEmpty(mark)) this.#marks.delete(id);
      else this.#marks.set(id, mark);
    if (made > 0) this.#parts.onDeliveries();
  }
}

/** Its own time tells it from others of its kind. */
const isLasting = ({ type }: { type: string }): boolean =>
  type !== 'job.held' && type !== 'frame.failed' && type !== 'frame.held';

const isEmpty = (mark: JobMark): boolean => sameMark(mark, NO_MARK);

function sameMark(a: JobMark, b: JobMark): boolean {
  return a.held === b.held && a.failedFrames === b.failedFrames && a.heldFrames === b.heldFrames;
}

function storedMarks(marks: ReadonlyMap<string, JobMark>): Map<string, JobMark | undefined> {
  return new Map([...marks].map(([id, mark]) => [id, isEmpty(mark) ? undefined : mark]));
}

/** After the last message that was taken in; of a stream that was made anew, everything; else since the oldest webhook. */
function startOf({ streamCreated, lastSequence }: CursorPlace, created: string, oldest: Date): ReadFrom {
  if (lastSequence === null || streamCreated === null)
    return { time: new Date(oldest.getTime() - CLOCK_MARGIN_MS) };
  return { sequence: streamCreated === created ? lastSequence + 1 : 1 };
}
