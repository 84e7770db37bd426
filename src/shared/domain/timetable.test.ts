import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOpen, nextChange, parseTimetable, type Timetable } from './timetable.ts';

const parsed = (text: string): Timetable => {
  const timetable = parseTimetable(text);
  if (timetable === undefined) throw new Error(`${text} is no timetable`);
  return timetable;
};
/** A local moment in the week of Monday, 2 March 2026. */
const at = (day: number, hour: number, minute = 0): Date => new Date(2026, 2, 1 + day, hour, minute);
const [MON, FRI, SAT, SUN] = [1, 5, 6, 7];

describe('a timetable', () => {
  it.each([
    ['19:00-08:00 and weekends', at(MON, 20), true],
    ['19:00-08:00 and weekends', at(MON, 7, 59), true],
    ['19:00-08:00 and weekends', at(MON, 8), false],
    ['19:00-08:00 and weekends', at(SAT, 12), true],
    ['mon-fri 20:00-07:00, sat, sun', at(FRI, 23), true],
    ['mon-fri 20:00-07:00, sat, sun', at(SUN, 23, 59), true],
    // Sunday's night is not one of mon-fri.
    ['mon-fri 20:00-07:00', at(MON, 6), false],
    ['mon-fri 20:00-07:00', at(SAT, 6), true],
    ['Friday 12:00-24:00', at(FRI, 23, 59), true],
    ['Friday 12:00-24:00', at(SAT, 0), false],
    ['sat-mon', at(SUN, 3), true],
    ['always', at(MON, 9), true],
    ['never', at(MON, 9), false],
  ])('%s at %s', (text, moment, open) => {
    expect(isOpen(parsed(text), moment)).toBe(open);
  });

  it.each([
    '',
    'sometimes',
    '25:00-08:00',
    '19:00',
    '19:00-19:00',
    'mon-xyz',
    'mon 8-9',
    'always, mon',
    'and',
  ])('is not %j', (text) => {
    expect(parseTimetable(text)).toBeUndefined();
  });

  it('says when it opens or closes next', () => {
    const nights = parsed('19:00-08:00 and weekends');
    expect(nextChange(nights, at(MON, 12))).toEqual(at(MON, 19));
    expect(nextChange(nights, at(FRI, 20))).toEqual(at(SUN + 1, 8));
    expect(nextChange(parsed('always'), at(MON, 12))).toBeNull();
    expect(nextChange(parsed('never'), at(MON, 12))).toBeNull();
  });

  it('changes at the next change and never before', () => {
    const hour = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }));
    const window = fc
      .tuple(fc.constantFrom('', 'mon ', 'sat-sun ', 'weekdays ', 'fri-mon '), hour, hour)
      .filter(([, from, to]) => String(from) !== String(to))
      .map(([days, ...hours]) => {
        const clock = ([h, m]: [number, number]): string => `${h}:${String(m).padStart(2, '0')}`;
        return `${days}${clock(hours[0])}-${clock(hours[1])}`;
      });
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        fc.date({ min: new Date(2026, 2, 20), max: new Date(2026, 10, 5), noInvalidDate: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (windows, from, part) => {
          const timetable = parsed(windows.join(', '));
          const open = isOpen(timetable, from);
          const change = nextChange(timetable, from);
          if (change === null) return;
          expect(isOpen(timetable, change)).toBe(!open);
          const before = new Date(from.getTime() + Math.floor(part * (change.getTime() - from.getTime())));
          expect(isOpen(timetable, before)).toBe(open);
        },
      ),
    );
  });
});
