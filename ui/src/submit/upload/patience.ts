import { ProblemError } from '../../api/problem.ts';
import { UnreachableError } from './put-bytes.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Whether it is worth trying again: nobody answered, or somebody who cannot just now. */
function mayPass(error: unknown): boolean {
  if (error instanceof UnreachableError || error instanceof TypeError) return true;
  return error instanceof ProblemError && (error.status >= 500 || error.status === 429);
}

/**
 * Repeats a request, with growing pauses, until it is answered; at once when the browser says that it is online again.
 * @param onWait told why it waits, and null when it goes on
 * @throws what does not pass by waiting; the signal's reason
 */
export async function patiently<T>(
  request: () => Promise<T>,
  { signal, onWait }: { signal: AbortSignal; onWait: (reason: string | null) => void },
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      const answer = await request();
      onWait(null);
      return answer;
    } catch (error) {
      if (!mayPass(error)) throw error;
      onWait(error instanceof TypeError ? 'The farm does not answer.' : (error as Error).message);
      await pause(pauseMs, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end, { once: true });
    signal.addEventListener('abort', end, { once: true });
  });
}
