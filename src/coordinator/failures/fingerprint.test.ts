import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprint } from './fingerprint.ts';

const same = (a: string, b: string): void => {
  expect(fingerprint('scene', a)).toBe(fingerprint('scene', b));
};
const differ = (a: string, b: string): void => {
  expect(fingerprint('scene', a)).not.toBe(fingerprint('scene', b));
};

describe('fingerprint', () => {
  it('is one for POV-Ray messages of one reason, whatever the file, line and name', () => {
    same(
      "File 'shot.pov' line 12: Parse Error: Expected 'numeric expression', undeclared identifier 'foo' found instead",
      "File '/tmp/a 1/other.pov' line 7: Parse Error: Expected 'numeric expression', undeclared identifier 'bar' found instead",
    );
    same(
      "File 'm1.pov' line 2: Parse Error: Cannot open include file nothere.inc.",
      "File 'm2.pov' line 31: Parse Error: Cannot open include file maps/textures-04.inc.",
    );
    differ(
      "File 's.pov' line 3: Parse Error: No matching }",
      "File 's.pov' line 3: Parse Error: Parse halted by #error directive: the radius must not be negative",
    );
  });

  it('is one for Blender messages of one reason', () => {
    same('Error: Cannot render, no camera', 'Error: Cannot render, no camera');
    same(
      'The .blend needs files that are not there: textures/wood_0001.png.',
      'The .blend needs files that are not there: textures/wood_0002.png.',
    );
    same(
      'Calloc returns null: len=4000000000 in render layer, total 15032385536',
      'Calloc returns null: len=96 in render layer, total 18446744071',
    );
    same(
      'Writing: /tmp/blender_a1b2.crash.txt Segmentation fault at 0x00007f3a9c',
      'Writing: /var/tmp/job 7/blender_ffee.crash.txt Segmentation fault at 0x0000551122'.replace(
        'job 7',
        'job7',
      ),
    );
    same(
      "The engine's process ended with signal SIGSEGV after 00:04.230.",
      "The engine's process ended with signal SIGSEGV after 01:12:09.7.",
    );
    differ('Error: Cannot render, no camera', 'Error: Build without OpenImageDenoiser');
  });

  it('is one for Lottie messages of one reason', () => {
    same('The slot "headline" takes text, not 7.', 'The slot "subtitle" takes text, not 12.5.');
    same('The font Inter-Bold.ttf is not there.', 'The font Lato-Black.otf is not there.');
    differ('The slot "size" takes a number, not "a".', 'The slot "size" takes text, not "a".');
  });

  it('keeps words apart that apostrophes do not quote', () => {
    differ("can't open the camera, won't go on", "can't open the light, won't go on");
  });

  it('keeps classes apart', () => {
    expect(fingerprint('scene', 'x')).not.toBe(fingerprint('engine-crash', 'x'));
  });

  it('does not depend on numbers, and fits into the index whatever it is given', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        same(
          `Frame ${a} failed after ${b} s at 0x${a.toString(16)}`,
          `Frame ${b} failed after ${a} s at 0x${b.toString(16)}`,
        );
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 6_000 }), (text) => {
        expect(Buffer.byteLength(fingerprint('scene', text))).toBeLessThan(2_000);
      }),
      { numRuns: 200 },
    );
  });
});
