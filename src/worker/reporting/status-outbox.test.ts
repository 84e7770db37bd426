import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { StatusOutbox } from './status-outbox.ts';

const log = pino({ level: 'silent' });
const bytes = new Uint8Array();

describe('StatusOutbox', () => {
  it('keeps many reports in flight and stores them in order', async () => {
    const taken: string[] = [];
    let inFlight = 0;
    let most = 0;
    const outbox = new StatusOutbox(async (subject) => {
      most = Math.max(most, ++inFlight);
      taken.push(subject);
      await new Promise(setImmediate);
      inFlight--;
    }, log);
    const subjects = Array.from({ length: 600 }, (_, i) => `s${i}`);
    await Promise.all(subjects.map((subject) => outbox.send(subject, bytes, subject)));
    expect(taken).toEqual(subjects);
    expect(most).toBe(256);
    expect(outbox.pending).toBe(0);
  });

  it('publishes again, in order, what was not confirmed while the farm was away', async () => {
    const taken: string[] = [];
    let away = true;
    const outbox = new StatusOutbox((subject) => {
      if (away) return Promise.reject(new Error('no responders'));
      taken.push(subject);
      return Promise.resolve();
    }, log);
    const sent = ['a', 'b', 'c'].map((subject) => outbox.send(subject, bytes, subject));
    expect(await outbox.flush(150)).toBe(false);
    expect(outbox.pending).toBe(3);
    away = false;
    outbox.retryNow();
    await Promise.all(sent);
    expect(taken).toEqual(['a', 'b', 'c']);
  });

  it('does not wait for what was in flight on a connection that is gone', async () => {
    const taken: string[] = [];
    const hanging: (() => void)[] = [];
    const outbox = new StatusOutbox((subject) => {
      taken.push(subject);
      if (taken.length > 2) return Promise.resolve();
      return new Promise((_resolve, reject) => hanging.push(() => reject(new Error('timeout'))));
    }, log);
    const sent = ['a', 'b'].map((subject) => outbox.send(subject, bytes, subject));
    outbox.retryNow();
    await Promise.all(sent);
    for (const fail of hanging) fail();
    await outbox.send('c', bytes, 'c');
    expect(taken).toEqual(['a', 'b', 'a', 'b', 'c']);
  });

  it('goes on in order after a lost report', async () => {
    const taken: string[] = [];
    let lost = false;
    const outbox = new StatusOutbox(async (subject) => {
      if (subject === 'b' && !lost) {
        lost = true;
        throw new Error('timeout');
      }
      await new Promise(setImmediate);
      taken.push(subject);
    }, log);
    await Promise.all(['a', 'b'].map((subject) => outbox.send(subject, bytes, subject)));
    await outbox.send('c', bytes, 'c');
    expect(taken).toEqual(['a', 'b', 'c']);
  });
});
