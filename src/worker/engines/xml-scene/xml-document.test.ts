import { expect, it, vi } from 'vitest';
import { XmlDocument } from './xml-document.ts';

const BOUND_MS = 10_000;
vi.setConfig({ testTimeout: 60_000 });

it.each([
  ...['<!--', '<![CDATA[', '<?', '<!DOCTYPE', '<!DOCTYPE[', '<!DOCTYPE[]', '<img', '<img "', '<a "b" \''],
])('reads two megabytes of %s at once, and keeps them as they are', (piece) => {
  const text = `<svg><a/>${piece.repeat(Math.ceil(2_000_000 / piece.length))}`;
  const start = performance.now();
  const document = new XmlDocument(text, 'The drawing');
  expect(document.elements().map(({ name }) => name)).toContain('a');
  expect(document.toString() === text).toBe(true);
  expect(performance.now() - start).toBeLessThan(BOUND_MS);
});

it.each(['a', 'a ', ' ', 'a="" '])('changes a tag with two megabytes of %j at once', (piece) => {
  const start = performance.now();
  const document = new XmlDocument(`<a ${piece.repeat(2_000_000 / piece.length)}x/>`, 'The drawing');
  const [element] = document.elements();
  if (!element) throw new Error('The element is not found.');
  document.setAttribute(element, 'b', '1');
  document.setText(element, 'c');
  expect(document.toString().slice(-15)).toMatch(/x b="1">c<\/a>$/);
  expect(performance.now() - start).toBeLessThan(BOUND_MS);
});

it('keeps a document byte for byte, with all that XML has', () => {
  const text =
    '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg.dtd" [ <!ATTLIST a b CDATA "c"> ]>\n' +
    '<!-- <no/> --><svg:svg a="1 > 0" b=\'"\'><text id="t"  ><![CDATA[<x>]]> y</text></svg:svg>\n';
  const document = new XmlDocument(text, 'The drawing');
  expect(document.toString()).toBe(text);
  const elements = document.elements();
  expect(elements.map(({ name }) => name)).toEqual(['svg:svg', 'text']);
  expect(elements[0]?.attributes).toEqual(new Map(Object.entries({ a: '1 > 0', b: '"' })));
  expect(elements[1] && document.textOf(elements[1])).toBe('<x> y');
});
