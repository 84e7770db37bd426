import { expect, it } from 'vitest';
import { whyStuck } from './stuck-frames.ts';

it.each([
  { seconds: 20, medianSeconds: 0.5, silentSeconds: 20 },
  { seconds: 100, medianSeconds: 60, silentSeconds: 90 },
  { seconds: 200, medianSeconds: 60, silentSeconds: 5 },
  { seconds: 3_000, medianSeconds: null, silentSeconds: 60 },
  { seconds: 3_000, medianSeconds: null, silentSeconds: null },
])('lets %o go on', (frame) => {
  expect(whyStuck(frame)).toBeUndefined();
});

it.each([
  [
    { seconds: 40, medianSeconds: 2, silentSeconds: null },
    'Frames near it took 2.0 s; it has been rendered for 40 s.',
  ],
  [
    { seconds: 200, medianSeconds: 60, silentSeconds: 190 },
    'Frames near it took 60 s; it has been rendered for 3 minutes, and its engine has printed nothing for 3 minutes.',
  ],
  [
    { seconds: 1_000, medianSeconds: null, silentSeconds: 950 },
    'Its engine has printed nothing for 16 minutes.',
  ],
])('says what is odd about %o', (frame, text) => {
  expect(whyStuck(frame)).toBe(text);
});
