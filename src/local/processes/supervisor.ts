import { messageOf } from '../../shared/domain/errors.ts';
import { pause } from '../../shared/lifecycle/retry.ts';
import { trimLog } from './log-files.ts';
import type { ManagedProcess } from './managed-process.ts';

export interface Service {
  name: string;
  /** Starts it and resolves when it is ready; rejects when it did not become so, with nothing left running. */
  start: () => Promise<{ process: ManagedProcess; stop: () => Promise<void> }>;
}

export type ServiceState = 'starting' | 'running' | 'waiting' | 'stopped';

export interface ServiceReport {
  name: string;
  pid: number;
  startTime: string;
  state: ServiceState;
}

interface Entry {
  service: Service;
  state: ServiceState;
  running: { process: ManagedProcess; stop: () => Promise<void> } | undefined;
  failures: number;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** One that ran this long before it ended starts without the delays of its past. */
const STABLE_MS = 60_000;
const LOG_CHECK_EVERY_MS = 30_000;
const LOG_MAX_BYTES = 64 * 1024 ** 2;

/** Keeps services running: one that ends is started again after a delay that doubles, and somebody is told. */
export class Supervisor {
  readonly #entries: Entry[] = [];
  readonly #say: (line: string) => void;
  readonly #changed: () => void;
  readonly #logTimer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  /**
   * @param say lines for a person.
   * @param changed called after every change of a service's state.
   */
  constructor(say: (line: string) => void, changed: () => void) {
    this.#say = say;
    this.#changed = changed;
    this.#logTimer = setInterval(() => this.#trimLogs(), LOG_CHECK_EVERY_MS);
    this.#logTimer.unref();
  }

  get reports(): ServiceReport[] {
    return this.#entries.map(({ service, state, running }) => ({
      name: service.name,
      pid: running?.process.identity.pid ?? 0,
      startTime: running?.process.identity.startTime ?? '',
      state,
    }));
  }

  /** Starts a service for the first time. @throws what `service.start` throws: a farm that cannot start says so. */
  async add(service: Service): Promise<void> {
    const entry: Entry = { service, state: 'starting', running: undefined, failures: 0 };
    this.#entries.push(entry);
    this.#changed();
    try {
      await this.#track(this.#start(entry));
    } catch (error) {
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      this.#changed();
      throw error;
    }
  }

  /** Ends everything, group after group; the services of a group end together. */
  async stop(groups: readonly (readonly string[])[]): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#logTimer);
    for (const group of groups)
      await Promise.all(
        this.#entries.filter(({ service }) => group.includes(service.name)).map((entry) => this.#end(entry)),
      );
    await Promise.allSettled(this.#underWay);
  }

  async #start(entry: Entry): Promise<void> {
    const running = await entry.service.start();
    // The stop came while it was starting; whoever stops waits for this.
    if (this.#isStopping) {
      await running.stop();
      return;
    }
    entry.running = running;
    this.#set(entry, 'running');
    void this.#track(this.#watch(entry, running.process, Date.now()));
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#underWay.add(work);
    try {
      await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async #watch(entry: Entry, process: ManagedProcess, startedAt: number): Promise<void> {
    const { code, signal } = await process.exited;
    if (this.#isStopping) return;
    if (Date.now() - startedAt >= STABLE_MS) entry.failures = 0;
    entry.running = undefined;
    await this.#restart(entry, `${entry.service.name} ended (${signal ?? `exit code ${code}`})`);
  }

  async #restart(entry: Entry, what: string): Promise<void> {
    let reason = what;
    for (;;) {
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** entry.failures, LONGEST_DELAY_MS);
      entry.failures++;
      this.#say(`${reason}; starting it again in ${delayMs / 1000} s`);
      this.#set(entry, 'waiting');
      await pause(delayMs, this.#stop.signal);
      if (this.#isStopping) return;
      this.#set(entry, 'starting');
      try {
        await this.#start(entry);
        this.#say(`${entry.service.name} runs again`);
        return;
      } catch (error) {
        reason = messageOf(error);
      }
    }
  }

  async #end(entry: Entry): Promise<void> {
    await entry.running?.stop();
    entry.running = undefined;
    this.#set(entry, 'stopped');
  }

  #set(entry: Entry, state: ServiceState): void {
    entry.state = state;
    this.#changed();
  }

  get #isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** A disk without room for the copy of a log must not end what it is the log of. */
  #trimLogs(): void {
    for (const { running } of this.#entries) {
      if (running === undefined) continue;
      try {
        trimLog(running.process.logFile, LOG_MAX_BYTES);
      } catch (error) {
        this.#say(`the log ${running.process.logFile} could not be shortened: ${messageOf(error)}`);
      }
    }
  }
}
