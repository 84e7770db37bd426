import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { BackgroundLoop } from './background-loop.ts';
import { WakeUp } from './wake-ups.ts';

const log = pino({ level: 'silent' });
const HOUR_MS = 3_600_000;

describe('a background loop', () => {
  it('takes slice after slice until none is left, then waits to be woken', async () => {
    const wakeUp = new WakeUp();
    let left = 3;
    let rounds = 0;
    const loop = new BackgroundLoop({
      name: 'slices',
      wakeUp,
      intervalMs: HOUR_MS,
      round: () => {
        rounds++;
        return Promise.resolve(--left > 0);
      },
      log,
    });
    loop.start();
    await expect.poll(() => rounds).toBe(3);
    left = 2;
    wakeUp.wake();
    await expect.poll(() => rounds).toBe(5);
    await loop.stop();
    expect(rounds).toBe(5);
  });

  it('stops between two slices, and does not sit out its rest', async () => {
    let rounds = 0;
    const loop = new BackgroundLoop({
      name: 'endless',
      wakeUp: new WakeUp(),
      intervalMs: HOUR_MS,
      round: () => {
        rounds++;
        return Promise.resolve(true);
      },
      restMs: () => (rounds < 2 ? 0 : HOUR_MS),
      log,
    });
    loop.start();
    await expect.poll(() => rounds).toBe(2);
    await loop.stop();
    expect(rounds).toBe(2);
  });

  it('tries a failed round again', async () => {
    let rounds = 0;
    const loop = new BackgroundLoop({
      name: 'fails once',
      wakeUp: new WakeUp(),
      intervalMs: HOUR_MS,
      round: () => (++rounds === 1 ? Promise.reject(new Error('away')) : Promise.resolve()),
      log,
    });
    loop.start();
    await expect.poll(() => rounds).toBe(2);
    await loop.stop();
  });
});
