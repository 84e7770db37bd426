import { createInbox, type Msg, type NatsConnection } from 'nats';
import { inboxPrefix } from '../../shared/messaging/permissions.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';

/** How long after its time the server may be silent before a request counts as lost. */
const LATE_MS = 3_000;
const NANOS_PER_MS = 1_000_000;
const [HEARTBEAT, NOTHING_THERE, TIME_IS_UP] = [100, 404, 408];

export interface LaneRequestOptions {
  lane: string;
  /** Tasks asked for; they may come one by one. */
  count: number;
  /** How long the server waits for tasks; 0: only what lies in the lane now is wanted. */
  waitMs: number;
  onTask: (message: Msg) => void;
}

/**
 * One request for tasks of a lane. The client library's own `fetch` cannot ask only for what lies there, and loses what is
 * on its way when it is stopped. The protocol is that of NATS's ADR-13 (pull requests of JetStream).
 */
export class LaneRequest {
  readonly lane: string;
  /** Tasks that were asked for and have not come. */
  left: number;
  /** Resolves when nothing more comes, with the reason if that is an error (no such lane, no leader). Never rejects. */
  readonly ended: Promise<Error | null>;
  readonly #options: LaneRequestOptions;
  readonly #subscription: ReturnType<NatsConnection['subscribe']>;
  readonly #lateTimer: NodeJS.Timeout;
  #cancelling: Promise<void> | undefined;
  readonly #inbox = createInbox(inboxPrefix('worker'));
  #resolve: (error: Error | null) => void = () => undefined;

  constructor(connection: NatsConnection, options: LaneRequestOptions) {
    const { lane, count, waitMs } = options;
    this.#options = options;
    this.lane = lane;
    this.left = count;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#subscription = connection.subscribe(this.#inbox, {
      callback: (error, message) => (error ? this.#end(error) : this.#hear(message)),
    });
    this.#lateTimer = setTimeout(() => void this.cancel(), waitMs + LATE_MS);
    this.#lateTimer.unref();
    const wanted = waitMs > 0 ? { expires: waitMs * NANOS_PER_MS } : { no_wait: true };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAMS.tasks.name}.${lane}`;
    connection.publish(subject, JSON.stringify({ batch: count, ...wanted }), { reply: this.#inbox });
  }

  /** Nothing more is wanted. Resolves when what was on its way has come. */
  cancel(): Promise<void> {
    this.#cancelling ??= this.#subscription
      .drain()
      // The connection is closed, or the request has ended already: nothing can come any more.
      .catch(() => undefined)
      .then(() => this.#end(null));
    return this.#cancelling;
  }

  #hear(message: Msg): void {
    // What the server says of the request comes under the inbox's name, a task under its own.
    if (message.subject !== this.#inbox) {
      this.left--;
      this.#options.onTask(message);
      if (this.left === 0) this.#end(null);
      return;
    }
    const { code, description } = message.headers ?? { code: 0, description: 'an answer without a status' };
    if (code === HEARTBEAT) return;
    const error = new Error(`The server answers ${code}: ${description}`);
    this.#end(code === NOTHING_THERE || code === TIME_IS_UP ? null : error);
  }

  #end(error: Error | null): void {
    clearTimeout(this.#lateTimer);
    this.#subscription.unsubscribe();
    this.#resolve(error);
  }
}
