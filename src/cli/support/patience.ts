import { RefusedError, UnreachableError } from './exit-codes.ts';
import { pause } from './pool.ts';

/** How long a farm that was there may be away before a waiting command gives up. */
const PATIENCE_MS = 300_000;

interface PatienceOptions {
  signal: AbortSignal;
  /** Said once when the farm goes away, and once when it is back. */
  say: (text: string) => void;
  patienceMs?: number;
}

/**
 * Repeats an idempotent request while the farm is restarting or one of its servers is away.
 * @throws the last error after the patience has run out, and every other error at once.
 */
export async function patiently<T>(request: () => Promise<T>, options: PatienceOptions): Promise<T> {
  const end = Date.now() + (options.patienceMs ?? PATIENCE_MS);
  let said = false;
  for (let delayMs = 250; ; delayMs = Math.min(delayMs * 2, 4_000)) {
    try {
      const value = await request();
      if (said) options.say('The farm answers again.');
      return value;
    } catch (error) {
      if (!isPassing(error) || Date.now() >= end) throw error;
      if (!said) options.say(`${error.message} Waiting for it …`);
      said = true;
    }
    await pause(delayMs, options.signal);
  }
}

function isPassing(error: unknown): error is UnreachableError | RefusedError {
  return error instanceof UnreachableError || (error instanceof RefusedError && error.status >= 500);
}
