import type { FileCache } from '../assets/file-cache.ts';
import { openSession, type SessionLimits, type SessionRequest } from './open-session.ts';
import { SessionLease } from './session-lease.ts';
import type { SpareEngine } from './spare-engines.ts';

export interface OpenLeaseOptions {
  limits: SessionLimits;
  cache: FileCache;
  log: (line: string) => void;
  /** Ends the session while it opens, and not after. */
  signal: AbortSignal;
  /** An engine that was started before. */
  spare: SpareEngine | undefined;
}

/** Opens a session for a task. @throws EngineFailure; the signal's reason */
export async function openLease(request: SessionRequest, options: OpenLeaseOptions): Promise<SessionLease> {
  const { limits, cache, log, signal, spare } = options;
  const end = spare?.end ?? new AbortController();
  const sink = spare?.sink ?? { log };
  sink.log = log;
  spare?.printed.forEach(log);
  const print = (line: string): void => sink.log(line);
  const kill = { kill: () => end.abort(signal.reason) };
  const opened = await killedBy(signal, kill, () =>
    openSession(request, limits, cache, print, end.signal, spare),
  );
  return new SessionLease(opened, end, request, sink);
}

/** Does something with a session that ends at once when the signal aborts meanwhile. */
export async function killedBy<T>(
  signal: AbortSignal,
  session: { kill: () => void },
  work: () => Promise<T>,
): Promise<T> {
  const kill = (): void => session.kill();
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', kill);
  }
}
