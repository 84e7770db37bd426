import { describe, expect, it, vi } from 'vitest';
import { findByXPath } from './find-by-xpath.ts';

vi.setConfig({ testTimeout: 60_000 });

const SCENE = `<?xml version="1.0"?><!-- one --><canvas xmlns:my="urn:my"><layer type="text" desc="a"><param name="text">
<string id="s">x</string></param></layer><my:note/><layer desc="b"/></canvas>`;

describe('XPath', () => {
  it('finds elements, texts and attributes by their place in the file', async () => {
    const expressions = [
      '//layer[@type="text"]//string',
      '//string/text()',
      '//layer[2]/@desc',
      '//my:note',
      '//layer',
    ];
    expect(await findByXPath(SCENE, expressions, 6)).toEqual(
      new Map([
        ['//layer[@type="text"]//string', [{ index: 3, attribute: null }]],
        ['//string/text()', [{ index: 3, attribute: null }]],
        ['//layer[2]/@desc', [{ index: 5, attribute: 'desc' }]],
        ['//my:note', [{ index: 4, attribute: null }]],
        [
          '//layer',
          [
            { index: 1, attribute: null },
            { index: 5, attribute: null },
          ],
        ],
      ]),
    );
  });

  it('refuses a file that others read in another way, or that is none', async () => {
    await expect(findByXPath(SCENE, ['//layer'], 7)).rejects.toThrow('not well-formed');
    await expect(findByXPath('<a><b></a>', ['//b'], 2)).rejects.toThrow('not well-formed');
  });

  it('ends an expression that takes for ever, while the worker goes on', async () => {
    const wide = `<a>${'<b c="1"/>'.repeat(3_000)}</a>`;
    let beats = 0;
    const heart = setInterval(() => beats++, 100);
    const endless = '//b[count(//b[count(//b[count(//b) > 1]) > 1]) > 1]';
    await expect(findByXPath(wide, [endless], 3_001)).rejects.toThrow('say it more plainly');
    clearInterval(heart);
    expect(beats).toBeGreaterThan(5);
  });

  it('refuses scenes that are too large to be looked through', async () => {
    const large = `<a>${' '.repeat(33 * 1_048_576)}</a>`;
    await expect(findByXPath(large, ['//a'], 1)).rejects.toThrow('at most 32 MiB');
  });
});
