import { expect, it } from 'vitest';
import { mapAddresses, pathOnMachine } from './map-addresses.ts';

const FOLDERS = [
  { from: 'S:\\show', to: '/mnt/show' },
  { from: '\\\\nas\\show', to: '/mnt/show' },
  { from: '/Volumes/show', to: '/mnt/show' },
];
const map = (text: string, type = 'text/html; charset=utf-8'): string =>
  mapAddresses(Buffer.from(text), type, FOLDERS).toString();

it.each([
  ['<img src="S:\\show\\tex\\wood 1.png">', '<img src="/S%3A/show/tex/wood%201.png">'],
  ["<video poster='\\\\nas\\show\\a.png'>", "<video poster='//nas/show/a.png'>"],
  ['<link href=file:///Volumes/show/a.css>', '<link href=/Volumes/show/a.css>'],
  ['<p style="background: url(s:/SHOW/é.png)">é', '<p style="background: url(/s%3A/SHOW/%C3%A9.png)">é'],
])('%s asks its own origin', (html, mapped) => {
  expect(map(html)).toBe(mapped);
});

it('takes the paths of a style with their backslashes doubled, too', () => {
  expect(map('a{background:url("S:\\\\show\\\\a.png")}', 'text/css; charset=utf-8')).toBe(
    'a{background:url("/S%3A/show/a.png")}',
  );
});

it.each([
  '<img src="S:\\other\\a.png">',
  '<img src="S:\\show\\..\\a.png">',
  '<img src="tex/a.png">',
  '<a b="c">',
])('leaves %s as it is', (html) => {
  expect(map(html)).toBe(html);
});

it.each([
  ['https://scene.invalid/S%3A/show/a%20b.png', 'S:/show/a b.png'],
  ['https://scene.invalid/Volumes/show/a.png?v=1', '/Volumes/show/a.png'],
  ['https://nas/show/a.png', '//nas/show/a.png'],
  ['https://scene.invalid/Volumes/show/..%2fsecret', null],
  ['http://nas/show/a.png', null],
  ['data:,a', null],
])('%s stands for %s', (address, path) => {
  expect(pathOnMachine(address)).toBe(path);
});
