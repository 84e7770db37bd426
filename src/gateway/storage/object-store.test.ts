import { expect, it } from 'vitest';
import { contentDisposition } from './object-store.ts';

it.each([
  ['render_0001.png', `attachment; filename="render_0001.png"; filename*=UTF-8''render_0001.png`],
  ['Bär 1.png', `attachment; filename="B_r 1.png"; filename*=UTF-8''B%C3%A4r%201.png`],
  [
    'a"; filename="evil.exe',
    `attachment; filename="a_; filename=_evil.exe"; filename*=UTF-8''a%22%3B%20filename%3D%22evil.exe`,
  ],
  ["it's (1)*.png", `attachment; filename="it's (1)*.png"; filename*=UTF-8''it%27s%20%281%29%2A.png`],
  ['line\r\nbreak', `attachment; filename="line__break"; filename*=UTF-8''line%0D%0Abreak`],
  ['half\ud800', `attachment; filename="half_"; filename*=UTF-8''half%EF%BF%BD`],
])('names a download %j in a header that nobody can break out of', (name, header) => {
  expect(contentDisposition(name)).toBe(header);
});
