import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WorkerPause } from '../../shared/contracts/messages.ts';
import { Availability } from './availability.ts';

/** By this machine's clock, whatever its zone: a Wednesday. */
const at = (hour: number, minute: number, day = 7): Date => new Date(2026, 0, day, hour, minute);
const MINUTE = 60_000;

describe('when a worker may work', () => {
  let changes: (WorkerPause | null)[];
  let availability: Availability | undefined;
  beforeEach(() => {
    changes = [];
    vi.useFakeTimers();
  });
  afterEach(() => {
    availability?.stop();
    vi.useRealTimers();
  });
  const begin = (own: string | null, now: Date): Availability => {
    vi.setSystemTime(now);
    availability = new Availability(
      own,
      (pause) => {
        changes.push(pause);
      },
      pino({ level: 'silent' }),
    );
    availability.start();
    return availability;
  };
  const closed = (hours: string, until: Date): WorkerPause => ({
    by: 'timetable',
    reason: `Its hours are ${hours}.`,
    until: until.toISOString(),
  });

  it('ends with its hours by itself, whatever it does then, and begins with the next', () => {
    begin('19:00-08:00', at(7, 57));
    expect(changes).toEqual([]);
    vi.advanceTimersByTime(2 * MINUTE);
    expect(changes).toEqual([]);
    vi.advanceTimersByTime(MINUTE + 1_000);
    expect(changes).toEqual([closed('19:00-08:00', at(19, 0))]);
    vi.advanceTimersByTime(11 * 60 * MINUTE);
    expect(changes).toEqual([closed('19:00-08:00', at(19, 0)), null]);
  });

  it('goes by what the farm says before its own settings', () => {
    const own = begin('always', at(12, 0));
    own.follow({ pause: null, timetable: '19:00-08:00' });
    own.follow({ pause: null, timetable: 'never' });
    own.follow({ pause: null, timetable: null });
    expect(changes).toEqual([
      closed('19:00-08:00', at(19, 0)),
      { by: 'timetable', reason: 'Its hours are never.', until: null },
      null,
    ]);
  });

  it('is with its owner until its next hours begin, also when these go on now', () => {
    const mine = begin('19:00-08:00', at(20, 0));
    const pause: WorkerPause = { by: 'owner', reason: 'I need it', until: null };
    mine.follow({ pause, timetable: null });
    expect(mine.pause).toEqual({ ...pause, until: at(19, 0, 8).toISOString() });
    mine.follow({ pause: { ...pause, until: at(19, 0, 8).toISOString() }, timetable: null });
    expect(mine.pause).toEqual({ ...pause, until: at(19, 0, 8).toISOString() });
    mine.follow({ pause: null, timetable: null });
    expect(mine.pause).toBeNull();
  });
});
