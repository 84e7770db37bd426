import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until something is so. @throws Error that says what did not happen within `timeoutMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`It did not happen within ${timeoutMs} ms that ${what}.`);
    await sleep(10);
  }
}
