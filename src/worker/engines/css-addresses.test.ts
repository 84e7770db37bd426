import { expect, it } from 'vitest';
import { cssAddresses, mapCssAddresses } from './css-addresses.ts';

const CSS = `@import "S:/show/a.css"; a { background: url( 'b (1).png' ) , url(c.png), url("d.png") } b { fill: url(#e) }`;

it('finds what a style names, however it is written', () => {
  expect(cssAddresses(CSS)).toEqual(['S:/show/a.css', 'b (1).png', 'c.png', 'd.png', '#e']);
});

it('changes only the addresses', () => {
  const other = mapCssAddresses(CSS, (address) => (/[ac]\./.test(address) ? '/there' : undefined));
  expect(other).toBe(CSS.replace('S:/show/a.css', '/there').replace('c.png', '/there'));
});

it.each(['url(', 'url("', '@import ', 'url( ', "@import '"])('reads two megabytes of %j at once', (piece) => {
  const start = performance.now();
  mapCssAddresses(piece.repeat(400_000), () => undefined);
  expect(performance.now() - start).toBeLessThan(10_000);
});
