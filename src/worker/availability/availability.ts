import type { WorkerOrders, WorkerPause } from '../../shared/contracts/messages.ts';
import { isOpen, nextChange, parseTimetable, type Timetable } from '../../shared/domain/timetable.ts';
import type { Logger } from '../../shared/logging/logger.ts';

/** Timers of Node end at about 24 days; a clock that is set shows after this at the latest. */
const LOOK_AT_LEAST_MS = 60_000;

/**
 * Whether this worker may work: not while a person, its failures or its owner keep it from work, and not outside its
 * timetable, by this machine's clock.
 */
export class Availability {
  readonly #own: string | null;
  readonly #log: Logger;
  readonly #onChange: (pause: WorkerPause | null) => void;
  #orders: WorkerOrders = { pause: null, timetable: null };
  #pause: WorkerPause | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param own the timetable of the worker's own settings, checked already; null: always. */
  constructor(own: string | null, onChange: (pause: WorkerPause | null) => void, log: Logger) {
    this.#own = own;
    this.#onChange = onChange;
    this.#log = log;
  }

  get orders(): WorkerOrders {
    return this.#orders;
  }

  /** Why it takes no tasks; null: it does. */
  get pause(): WorkerPause | null {
    return this.#pause;
  }

  start(): void {
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** What the farm keeps of this worker. A pause that its owner asked for on this machine's behalf lasts until its next hours. */
  follow(orders: WorkerOrders): void {
    this.#orders = orders;
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#timer);
    const now = new Date();
    const timetable = this.#timetable();
    const change = timetable ? nextChange(timetable, now) : null;
    const pause = this.#pauseAt(now, timetable, change);
    const changed = JSON.stringify(pause) !== JSON.stringify(this.#pause);
    this.#pause = pause;
    const untilChange = change ? change.getTime() - now.getTime() + 50 : Infinity;
    this.#timer = setTimeout(() => this.#look(), Math.min(LOOK_AT_LEAST_MS, Math.max(50, untilChange)));
    this.#timer.unref();
    if (changed) {
      this.#log.info({ pause }, pause ? 'this worker takes no tasks' : 'this worker takes tasks');
      this.#onChange(pause);
    }
  }

  #pauseAt(now: Date, timetable: Timetable | undefined, change: Date | null): WorkerPause | null {
    const open = timetable ? isOpen(timetable, now) : true;
    const ordered = this.#orders.pause;
    if (ordered) {
      if (ordered.by !== 'owner' || ordered.until !== null) return ordered;
      // Its owner has it back: until its hours begin anew. Without a timetable, until somebody says so.
      return { ...ordered, until: this.#nextOpening(timetable, now, open, change) };
    }
    if (open) return null;
    return {
      by: 'timetable',
      reason: `Its hours are ${this.#orders.timetable ?? this.#own ?? ''}.`,
      until: change?.toISOString() ?? null,
    };
  }

  #nextOpening(
    timetable: Timetable | undefined,
    now: Date,
    open: boolean,
    change: Date | null,
  ): string | null {
    if (!timetable || !change) return null;
    if (!open) return change.toISOString();
    const opening = nextChange(timetable, change);
    return opening && opening > now ? opening.toISOString() : null;
  }

  #timetable(): Timetable | undefined {
    const text = this.#orders.timetable ?? this.#own;
    return text === null ? undefined : parseTimetable(text);
  }
}
