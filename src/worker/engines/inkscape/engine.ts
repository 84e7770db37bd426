import { preparedEngine } from '../definition/engine-of-definition.ts';
import type { Engine } from '../engine.ts';
import { withFilledScene, type XmlFormat } from '../xml-scene/scene-copy.ts';
import type { XmlDocument, XmlElement } from '../xml-scene/xml-document.ts';

const TEXTS: ReadonlySet<string> = new Set(['text', 'tspan', 'textPath', 'flowPara', 'title', 'desc']);
const CSS_FILES = /url\(\s*["']?([^)"']+)["']?\s*\)|@import\s+["']([^"']+)["']/gi;

const SVG: XmlFormat = {
  label: 'Inkscape',
  namesOf: ({ attributes }) => [attributes.get('id'), attributes.get('inkscape:label')],
  textTarget: (element) => (TEXTS.has(localName(element)) ? element : undefined),
  attributes: new Set([
    ...['x', 'y', 'width', 'height', 'r', 'rx', 'ry', 'cx', 'cy', 'x1', 'y1', 'x2', 'y2', 'd', 'points'],
    ...['fill', 'stroke', 'opacity', 'fill-opacity', 'stroke-opacity', 'stroke-width', 'stroke-dasharray'],
    ...[
      'stop-color',
      'stop-opacity',
      'offset',
      'transform',
      'visibility',
      'display',
      'font-size',
      'text-anchor',
    ],
  ]),
  filesOf: svgFiles,
  moveFiles: (element, document, moved) => {
    for (const [name, value] of isLink(element) ? [] : element.attributes) {
      const file = name.split(':').at(-1) === 'href' ? moved(fileOf(value)) : undefined;
      if (file !== undefined)
        document.setAttribute(element, name, file.split('/').map(encodeURIComponent).join('/'));
    }
  },
};

/** SVG pictures with a job's data in them. */
export const inkscapeEngine: Engine = preparedEngine('inkscape', (spec) => withFilledScene(spec, SVG));

function localName({ name }: XmlElement): string {
  return name.split(':').at(-1) ?? name;
}

/** Addresses that are no fragment of this file and not inside it. */
function svgFiles(element: XmlElement, document: XmlDocument): string[] {
  const styles = localName(element) === 'style' ? [document.textOf(element)] : [];
  const found: string[] = [];
  for (const [name, value] of element.attributes) {
    if (name.split(':').at(-1) === 'href' && !isLink(element)) found.push(value);
    else styles.push(value);
  }
  for (const css of styles)
    for (const [, address, imported] of css.matchAll(CSS_FILES)) found.push(address ?? imported ?? '');
  return found
    .map((address) => address.trim())
    .filter((address) => address !== '' && !/^(?:#|data:)/i.test(address))
    .map(fileOf);
}

/** Nobody clicks it. */
const isLink = (element: XmlElement): boolean => localName(element) === 'a';

const fileOf = (address: string): string => decodePath(address.trim().split('#')[0] ?? '');

function decodePath(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address; // a percent sign of its own
  }
}
