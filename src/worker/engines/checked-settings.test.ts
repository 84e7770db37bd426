import { expect, it } from 'vitest';
import { dataOf, settingsOf } from './checked-settings.ts';

it.each([
  [{ 'A=1 +O/etc/x': 1 }, /data\.A=1 \+O\/etc\/x: got the name/],
  [{ A: '"x"' }, /data\.A: got .*, expected number/],
])('POV-Ray is given no data such as %j', (data, message) => {
  expect(() => dataOf('povray', data)).toThrow(message);
});

it('a worker refuses what the definition’s schema does not allow, and passes on what it does', () => {
  expect(dataOf('povray', { A: 2, _b: -1e-7 })).toEqual({ A: 2, _b: -1e-7 });
  expect(settingsOf('ffmpeg', { crf: 20 })).toEqual({ crf: 20 });
  expect(() => settingsOf('ffmpeg', { crf: 99 })).toThrow(
    /FFmpeg cannot take .*settings\.crf: got 99, expected <= 51/,
  );
});
