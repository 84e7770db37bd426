import { describeValue } from '../../../shared/domain/errors.ts';
import { EngineFailure } from '../engine.ts';
import { findByXPath, type XPathPlace } from './find-by-xpath.ts';
import type { XmlDocument, XmlElement } from './xml-document.ts';

/** Where in a format the values of a job's data may go. */
export interface XmlSlots {
  /** Names by which an element is found, such as its `id`. */
  namesOf: (element: XmlElement) => (string | undefined)[];
  /** The element that takes the text. */
  textTarget: (element: XmlElement, all: readonly XmlElement[]) => XmlElement | undefined;
  /** Attributes that values may change; none that names files, styles or scripts. */
  attributes: ReadonlySet<string>;
}

const MAX_NAMED = 20;

/**
 * Writes a job's data into the document: `"title": "Hello"` becomes the text of the element called `title`, and
 * `"bar@width": 120` its attribute `width`. A key that begins with `/` is XPath for an element, its text or an attribute. Values stay values: they are escaped for where they stand.
 * @throws EngineFailure `scene` naming the value that has no place, and the places that there are
 */
export async function fillDocument(
  document: XmlDocument,
  data: Readonly<Record<string, unknown>>,
  slots: XmlSlots,
): Promise<void> {
  const expressions = Object.keys(data).filter((key) => key.startsWith('/'));
  const byXPath = await findByXPath(document.toString(), expressions, document.elements().length);
  for (const [key, value] of Object.entries(data)) {
    const text = textOf(key, value);
    const places = byXPath.get(key);
    if (places) {
      writePlaces(document, places, { key, text }, slots);
      continue;
    }
    const split = key.lastIndexOf('@');
    const [name, attribute] = split < 0 ? [key, undefined] : [key.slice(0, split), key.slice(split + 1)];
    // Positions change with every value that is written.
    const all = document.elements();
    const found = all.filter((element) => slots.namesOf(element).includes(name));
    if (found.length === 0) throw missing(key, name, all, slots);
    for (const element of found) write(document, { element, attribute, all, key, text }, slots);
  }
}

interface Write {
  element: XmlElement;
  attribute: string | undefined;
  all: readonly XmlElement[];
  key: string;
  text: string;
}

/** What is written leaves each element at its place in the order. */
function writePlaces(
  document: XmlDocument,
  places: readonly XPathPlace[],
  { key, text }: { key: string; text: string },
  slots: XmlSlots,
): void {
  for (const { index, attribute } of places) {
    const all = document.elements();
    const element = all[index];
    if (element) write(document, { element, attribute: attribute ?? undefined, all, key, text }, slots);
  }
}

function write(document: XmlDocument, { element, attribute, all, key, text }: Write, slots: XmlSlots): void {
  if (attribute === undefined) {
    const target = slots.textTarget(element, all);
    if (!target)
      throw new EngineFailure('scene', `data ${describeValue(key)}: <${element.name}> takes no text.`);
    document.setText(target, text);
    return;
  }
  if (!slots.attributes.has(attribute))
    throw new EngineFailure(
      'scene',
      `data ${describeValue(key)}: the attribute may be one of ${[...slots.attributes].join(', ')}.`,
    );
  if (/url\s*\(|javascript:/i.test(text))
    throw new EngineFailure(
      'scene',
      `data ${describeValue(key)}: ${describeValue(text)} names something else.`,
    );
  document.setAttribute(element, attribute, text);
}

function textOf(key: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw new EngineFailure(
    'scene',
    `data ${describeValue(key)} takes text or a number, not ${describeValue(value)}.`,
  );
}

function missing(key: string, name: string, all: readonly XmlElement[], slots: XmlSlots): EngineFailure {
  const names = [...new Set(all.flatMap((element) => slots.namesOf(element)))].filter(
    (one) => one !== undefined,
  );
  const shown = names.slice(0, MAX_NAMED).join(', ') + (names.length > MAX_NAMED ? ' …' : '');
  return new EngineFailure(
    'scene',
    `data ${describeValue(key)}: the scene has nothing called ${describeValue(name)}; it has ${shown || 'no names'}.`,
  );
}
