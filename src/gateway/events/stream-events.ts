import type { StreamEvent, StreamType } from '../../shared/contracts/events.ts';
import type { JobStatus } from '../../shared/contracts/messages.ts';
import { NO_MARK, noticeEvents, toFarmEvent, type JobMark, type NoticedEvent } from './notice-events.ts';

/** Jobs whose end was told; the oldest are forgotten, and their end may be told once more. */
const MOST_KNOWN_ENDS = 10_000;

const NAMES = { job: 'job.changed', refused: 'job.refused', control: 'job.control' } as const;

/** Turns words on `status.job` into the events of one client's stream, each once. */
export class StreamEvents {
  readonly #types: ReadonlySet<StreamType>;
  readonly #marks = new Map<string, JobMark>();
  readonly #ends = new Map<string, string>();

  /** @param types only these; empty: all */
  constructor(types: readonly StreamType[]) {
    this.#types = new Set(types);
  }

  of(status: JobStatus, at: Date): StreamEvent[] {
    const timestamp = at.toISOString();
    return this.#all(status, timestamp).filter(({ type }) => this.#isWanted(type));
  }

  #isWanted(type: StreamEvent['type']): boolean {
    return this.#types.size === 0 || this.#types.has(type as StreamType);
  }

  #all(status: JobStatus, timestamp: string): StreamEvent[] {
    const { type, ...data } = status;
    const said = { type: NAMES[type], timestamp, data } as StreamEvent;
    return type === 'job' ? [said, ...this.#noticed(status, timestamp)] : [said];
  }

  #noticed(status: Extract<JobStatus, { type: 'job' }>, timestamp: string): StreamEvent[] {
    const { id } = status.job;
    const { events, mark } = noticeEvents(status, this.#marks.get(id) ?? NO_MARK, timestamp);
    this.#marks.delete(id);
    if (mark.held || mark.failedFrames > 0 || mark.heldFrames > 0) this.#marks.set(id, mark);
    return events.filter((event) => this.#isNews(event)).map((event) => toFarmEvent(event));
  }

  /** Ends and deliveries are found in every later word of a job. */
  #isNews({ type, at, job }: NoticedEvent): boolean {
    if (type === 'job.held' || type.startsWith('frame.')) return true;
    const key = `${job.id} ${type}`;
    if (this.#ends.get(key) === at) return false;
    this.#ends.delete(key);
    this.#ends.set(key, at);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MOST_KNOWN_ENDS && oldest !== undefined) this.#ends.delete(oldest);
    return true;
  }
}
