import { expect, it } from 'vitest';
import { pathOfAddress } from './file-address.ts';

it.each([
  ['file:///S:/show/a%20b.png', 'S:/show/a%20b.png'],
  ['file://nas/show/a.png', '//nas/show/a.png'],
  ['file://localhost/mnt/show/100%.png', '/mnt/show/100%.png'],
  ['S:\\show\\a%20b.png', 'S:\\show\\a%20b.png'],
  ['tex/a.png', 'tex/a.png'],
])('%s leads to %s', (address, path) => {
  expect(pathOfAddress(address)).toBe(path);
});
