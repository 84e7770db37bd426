import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readHtmlPage } from './html-page.ts';
import { cssReferences, htmlReferences, remoteReferences, scriptReferences } from './html-references.ts';
import { inspectSvg, inspectSynfig } from './inspect-xml.ts';

/** Each takes about a second at the most; it took many minutes when each piece was searched to the end of the file. */
const BOUND_MS = 10_000;
const BYTES = 2_000_000;
vi.setConfig({ testTimeout: 60_000 });

const filled = (piece: string): string => piece.repeat(Math.ceil(BYTES / piece.length));

function timed(action: () => unknown): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

describe('two megabytes of what is never closed are read at once', () => {
  const markup = ['<!--', '<img', '<meta ', '<script ', '<script>', '<![CDATA[', '<style>url(', '<img src="'];
  it.each(markup)('in pages: %s', (piece) => {
    const text = filled(piece);
    expect(timed(() => htmlReferences(text))).toBeLessThan(BOUND_MS);
    expect(timed(() => remoteReferences(text))).toBeLessThan(BOUND_MS);
    expect(timed(() => readHtmlPage(Buffer.from(text), 'p.html'))).toBeLessThan(BOUND_MS);
  });

  it('in a tag with an endless name', () => {
    expect(timed(() => htmlReferences(`<img ${filled('a')}>`))).toBeLessThan(BOUND_MS);
  });

  it.each(['/*', 'url(', '@import ', `url(${' '.repeat(BYTES)}`])('in styles: %.8s', (piece) => {
    expect(timed(() => cssReferences(filled(piece)))).toBeLessThan(BOUND_MS);
  });

  it.each([' import', ' export {', ' import "', 'import (', '/*', '\n', ' // '])(
    'in scripts: %j',
    (piece) => {
      expect(timed(() => scriptReferences(filled(piece)))).toBeLessThan(BOUND_MS);
    },
  );

  describe('in drawings', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'farmhand-unclosed-'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it.each(['<!--', '<image', '<svg', '<svg "', '<![CDATA[', '<a-a:', '-a', 'a', '1'])(
      '%s',
      async (piece) => {
        const start = performance.now();
        await writeFile(join(folder, 'd.svg'), `<svg width="1"><image href="gone.png"/><b ${filled(piece)}`);
        expect((await inspectSvg(folder, 'd.svg')).missing).toEqual(['gone.png (named in d.svg)']);
        await writeFile(join(folder, 'd.svg'), filled(`<svg${piece}`));
        await inspectSvg(folder, 'd.svg').catch(() => undefined); // most of them are no drawing
        await writeFile(join(folder, 'd.sif'), `<canvas begin-time="${filled(piece)}">`);
        await inspectSynfig(folder, 'd.sif').catch(() => undefined);
        expect(performance.now() - start).toBeLessThan(3 * BOUND_MS);
      },
    );
  });
});

describe('what is named all the same', () => {
  it('in pages', () => {
    const page =
      '<!-- <img src="no.png"> --><img alt="a < b" src="a.png" xlink:href=b.png>' +
      '<script type="module">import x from "./c.js";\nimport "./d.js"\nexport * from \'./e.js\'</script>' +
      '<style>a { background: url( f.png ) url("g.png" ) url() }</style><script src="h.js"></script><!-- <img src="no.png">';
    expect(htmlReferences(page).sort()).toEqual([
      ...['./c.js', './d.js', './e.js', 'a.png', 'b.png', 'f.png', 'g.png', 'h.js'],
    ]);
  });

  it('in scripts, by imports of every kind', () => {
    const script =
      'export default function f() {}\n  // import "./no.js"\n\nimport {\n a,\n b as c } from "./a.js";import"./b.js"\n' +
      "export const name = 1\nimport * as d from './c.js'; const e = import('./d.js'); import f from 'three'";
    expect(scriptReferences(script).sort()).toEqual(['./a.js', './b.js', './c.js', './d.js']);
  });
});
