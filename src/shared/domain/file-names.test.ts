import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteLength, fitName, fitValue } from './file-names.ts';

describe('names of people in file names', () => {
  it.each([
    ['a/b\\c', 'a_b_c'],
    ['../../etc/passwd', '____etc_passwd'],
    ['..', '_'],
    ['.', '_'],
    ['  ', '_'],
    ['Zoë 🐑', 'Zoë 🐑'],
    ['Zoe\u0308', 'Zoë'],
    ['a\u202egnp.exe', 'a_gnp.exe'],
    ['x\u0000y\n', 'x_y_'],
    ['\ud800', '\ufffd'],
    ['🐑'.repeat(100), '🐑'.repeat(25)],
  ])('%j becomes %j', (text, expected) => {
    expect(fitValue(text)).toBe(expected);
  });

  it.each([
    ['CON.png', 'CON_.png'],
    ['nul', 'nul_'],
    ['com1.tar.gz', 'com1_.tar.gz'],
    ['console.png', 'console.png'],
    ['.hidden', '_hidden'],
    ['name. .', 'name_'],
  ])('the whole name %j becomes %j', (name, expected) => {
    expect(fitName(name)).toBe(expected);
  });

  it('long names keep their beginning and extension, and stay different', () => {
    const [a, b] = [fitName(`${'é'.repeat(200)}1.png`), fitName(`${'é'.repeat(200)}2.png`)];
    expect(a).toMatch(/^é+~[0-9a-f]{16}\.png$/);
    expect(a).not.toBe(b);
  });

  it('fit everywhere, whatever they are made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const name = fitName(fitValue(text));
        expect(byteLength(name)).toBeLessThanOrEqual(240);
        expect(name).not.toMatch(/[/\\\u0000-\u001f<>:"|?*]|^\.|[. ]$|^$/);
        expect(name.isWellFormed()).toBe(true);
      }),
    );
  });
});
