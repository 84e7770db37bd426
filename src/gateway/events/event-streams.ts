import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { NatsConnection } from 'nats';
import { decodeMessage } from '../../shared/contracts/decode.ts';
import type { StreamEvent, StreamType } from '../../shared/contracts/events.ts';
import { jobStatusSchema, type JobStatus } from '../../shared/contracts/messages.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import type { Logger } from '../../shared/logging/logger.ts';
import { HttpError } from '../http/problems.ts';
import { readStatuses, statusRange, type StatusItem } from '../messaging/status-reader.ts';
import { StreamEvents } from './stream-events.ts';
import { eventIdOf, streamStart } from './stream-start.ts';

export interface EventStreamLimits {
  /** Streams of one gateway at once. */
  most: number;
  /** A client that takes nothing for so long is dropped. */
  stallMs: number;
  /** How often a quiet stream says that it lives, and its client's rights are looked at again. */
  heartbeatMs: number;
}
const LIMITS: EventStreamLimits = { most: 100, stallMs: 30_000, heartbeatMs: 15_000 };
/** A client that was dropped may read why for so long. */
const FAREWELL_MS = 5_000;

export interface EventQuery {
  since?: string | undefined;
  types: readonly StreamType[];
  job?: string | undefined;
}

export interface EventClient {
  response: ServerResponse;
  /** Throws when the client may no longer see what it asked for. */
  recheck: () => void;
}

/** `GET /api/events`: server-sent events (html.spec.whatwg.org, 9.2) from the stream of job statuses. */
export class EventStreams {
  readonly #nats: NatsConnection;
  readonly #log: Logger;
  readonly #limits: EventStreamLimits;
  readonly #open = new Set<AbortController>();
  readonly #served = new Set<Promise<void>>();

  constructor(nats: NatsConnection, log: Logger, limits: Partial<EventStreamLimits> = {}) {
    this.#nats = nats;
    this.#log = log;
    this.#limits = { ...LIMITS, ...limits };
  }

  /**
   * Resolves when the client or the gateway has ended it.
   * @throws HttpError 503 when there are too many, errors of NATS; both before anything was sent.
   */
  async serve(query: EventQuery, client: EventClient): Promise<void> {
    if (this.#open.size >= this.#limits.most)
      throw new HttpError(
        503,
        'unavailable',
        `${this.#open.size} event streams are open, the most that this gateway serves; try again later.`,
        { 'Retry-After': '10' },
      );
    const abort = new AbortController();
    this.#open.add(abort);
    const serving = this.#serve(query, client, abort).finally(() => {
      this.#open.delete(abort);
      this.#served.delete(serving);
    });
    this.#served.add(serving);
    await serving;
  }

  /** Tells every client that the gateway ends. */
  async stop(): Promise<void> {
    for (const abort of this.#open) abort.abort('The gateway stops.');
    await Promise.allSettled(this.#served);
  }

  async #serve(query: EventQuery, client: EventClient, abort: AbortController): Promise<void> {
    const { response } = client;
    const gone = (): void => abort.abort();
    response.on('close', gone);
    try {
      const range = await statusRange(this.#nats);
      const { from, gap } = streamStart(query.since, range);
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
      response.write('retry: 2000\n\n');
      if (gap) await this.#write(response, frame({ type: 'gap', timestamp: now(), data: gap }));
      const events = new StreamEvents(query.types);
      let lastId = 'sequence' in from ? eventIdOf(from.sequence - 1, range) : '';
      response.write(heartbeat(lastId));
      let beatAtMs = performance.now() + this.#limits.heartbeatMs;
      for await (const item of readStatuses(this.#nats, from, { jobId: query.job, signal: abort.signal })) {
        if (item !== null) {
          lastId = eventIdOf(item.sequence, range);
          const found = this.#eventsOf(item, events);
          if (found.length > 0) await this.#write(response, framesOf(found, lastId));
        }
        if (performance.now() < beatAtMs) continue;
        client.recheck();
        await this.#write(response, heartbeat(lastId));
        beatAtMs = performance.now() + this.#limits.heartbeatMs;
      }
      if (!response.closed) sayGoodbye(response, String(abort.signal.reason));
    } catch (error) {
      if (!response.headersSent) throw error;
      if (response.closed) return;
      const reason =
        error instanceof FarmError ? error.message : 'The stream broke off; go on from the last id.';
      this.#log.info({ reason: messageOf(error) }, 'an event stream was ended');
      sayGoodbye(response, reason);
    } finally {
      response.off('close', gone);
    }
  }

  #eventsOf({ data, subject, at }: StatusItem, events: StreamEvents): StreamEvent[] {
    let status: JobStatus;
    try {
      status = decodeMessage(jobStatusSchema, data, 'A job status');
    } catch (error) {
      this.#log.warn({ subject, error: messageOf(error) }, 'an unreadable job status');
      return [];
    }
    return events.of(status, at);
  }

  /** Nothing is read from the stream while the client takes nothing. @throws FarmError when it does not for too long */
  async #write(response: ServerResponse, text: string): Promise<void> {
    if (response.write(text) || response.closed) return;
    const stalled = AbortSignal.timeout(this.#limits.stallMs);
    const ended = new AbortController();
    try {
      await Promise.race([
        once(response, 'drain', { signal: AbortSignal.any([stalled, ended.signal]) }),
        once(response, 'close', { signal: ended.signal }),
      ]);
    } catch (error) {
      if (!stalled.aborted) throw error;
      throw new FarmError(
        'unavailable',
        `Nothing was read for ${this.#limits.stallMs / 1_000} s; go on from the last id.`,
      );
    } finally {
      ended.abort();
    }
  }
}

/** An id without data moves a client on that hears of nothing it asked for. */
const heartbeat = (lastId: string): string => (lastId === '' ? ': here\n\n' : `: here\nid: ${lastId}\n\n`);

const now = (): string => new Date().toISOString();

const frame = (event: StreamEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Only the last event of a message has its id: who breaks off before hears all of them again. */
function framesOf(events: readonly StreamEvent[], id: string): string {
  return events
    .map((event, index) => (index === events.length - 1 ? `id: ${id}\n` : '') + frame(event))
    .join('');
}

function sayGoodbye(response: ServerResponse, reason: string): void {
  response.end(frame({ type: 'end', timestamp: now(), data: { reason } }));
  setTimeout(() => response.destroy(), FAREWELL_MS).unref();
}
