import { setTimeout as sleep } from 'node:timers/promises';

/** Waits `ms`, or until the signal aborts, whichever comes first. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}

/** Milliseconds before try number `tries` + 1: doubling from `firstMs` up to `mostMs`, with up to a quarter more by chance. */
export function backOffMs(tries: number, firstMs = 100, mostMs = 5_000): number {
  const ms = Math.min(mostMs, firstMs * 2 ** Math.min(tries, 20));
  return ms * (1 + Math.random() / 4);
}
