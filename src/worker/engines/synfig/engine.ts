import { preparedEngine } from '../definition/engine-of-definition.ts';
import type { Engine } from '../engine.ts';
import { withFilledScene, type XmlFormat } from '../xml-scene/scene-copy.ts';
import type { XmlElement } from '../xml-scene/xml-document.ts';

/** Exported values (`id`) and layers by what they are called (`desc`). */
const SIF: XmlFormat = {
  label: 'Synfig',
  namesOf: ({ name, attributes }) => [
    attributes.get('id'),
    name === 'layer' ? attributes.get('desc') : undefined,
  ],
  textTarget,
  attributes: new Set(['value']),
  filesOf: (element, document) => {
    const { attributes } = element;
    // `other.sif#part` is part of another file; `#part` and `:part` of this one.
    const linked = ['canvas', 'use'].map(
      (key) => /^([^#:][^#]*)#/.exec(attributes.get(key) ?? '')?.[1] ?? '',
    );
    return [...linked, namesFile(element) ? document.textOf(element).trim() : ''].filter(
      (file) => file !== '',
    );
  },
  moveFiles: (element, document, moved) => {
    const file = namesFile(element) ? moved(document.textOf(element).trim()) : undefined;
    if (file !== undefined) document.setText(element, file);
    for (const key of ['canvas', 'use']) {
      const [, other = '', part = ''] = /^([^#:][^#]*)(#.*)$/.exec(element.attributes.get(key) ?? '') ?? [];
      const there = other === '' ? undefined : moved(other);
      if (there !== undefined) document.setAttribute(element, key, `${there}${part}`);
    }
  },
};

/** Synfig's animations with a job's data in them. */
export const synfigEngine: Engine = preparedEngine('synfig', (spec) => withFilledScene(spec, SIF));

/** The picture of a layer. */
const namesFile = ({ name, attributes }: XmlElement): boolean =>
  name === 'param' && attributes.get('name') === 'filename';

/** `<string>` itself, or the one in a text layer's `<param name="text">`. */
function textTarget(element: XmlElement, all: readonly XmlElement[]): XmlElement | undefined {
  if (element.name === 'string') return element;
  const inside = all.filter(({ at }) => at > element.at && at < element.end);
  const param = inside.find(({ name, attributes }) => name === 'param' && attributes.get('name') === 'text');
  return param && inside.find(({ name, at }) => name === 'string' && at > param.at && at < param.end);
}
