import { describe, expect, it } from 'vitest';
import { changeOf } from './resubmit.ts';

describe('--set', () => {
  it.each([
    ['settings.samples=64', ['settings.samples', 64]],
    ['name=A new name', ['name', 'A new name']],
    ['name="64"', ['name', '64']],
    ['frames=1-10', ['frames', '1-10']],
    ['data.formula=a=b', ['data.formula', 'a=b']],
    ['maxAttempts=null', ['maxAttempts', null]],
    ['output={"fps":25}', ['output', { fps: 25 }]],
    ['note=', ['note', '']],
  ])('understands %s', (text, change) => {
    expect(changeOf(text)).toEqual(change);
  });

  it.each(['name', '=x', ''])('says what is missing in "%s"', (text) => {
    expect(() => changeOf(text)).toThrow(/--set path=value/);
  });
});
