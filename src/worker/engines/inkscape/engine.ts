import { preparedEngine } from '../definition/engine-of-definition.ts';
import type { Engine } from '../engine.ts';
import { decodeAddress } from '../../../shared/domain/file-address.ts';
import { cssAddresses, mapCssAddresses } from '../css-addresses.ts';
import { withFilledScene, type XmlFormat } from '../xml-scene/scene-copy.ts';
import type { XmlDocument, XmlElement } from '../xml-scene/xml-document.ts';

const TEXTS: ReadonlySet<string> = new Set(['text', 'tspan', 'textPath', 'flowPara', 'title', 'desc']);

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
    const target = (address: string): string | undefined => {
      const file = moved(fileOf(address));
      return file?.split('/').map(encodeURIComponent).join('/');
    };
    for (const [name, value] of element.attributes) {
      const isAddress = isHref(name);
      if (isAddress && isLink(element)) continue;
      const other = isAddress ? target(value) : mapCssAddresses(value, target);
      if (other !== undefined && other !== value) document.setAttribute(element, name, other);
    }
    if (localName(element) !== 'style') return;
    const css = document.textOf(element);
    const other = mapCssAddresses(css, target);
    if (other !== css) document.setText(element, other);
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
    if (isHref(name) && !isLink(element)) found.push(value);
    else styles.push(value);
  }
  found.push(...styles.flatMap(cssAddresses));
  return found
    .map((address) => address.trim())
    .filter((address) => address !== '' && !/^(?:#|data:)/i.test(address))
    .map(fileOf);
}

const isHref = (name: string): boolean => name.split(':').at(-1) === 'href';

/** Nobody clicks it. */
const isLink = (element: XmlElement): boolean => localName(element) === 'a';

const fileOf = (address: string): string => decodeAddress(address.trim().split('#')[0] ?? '');
