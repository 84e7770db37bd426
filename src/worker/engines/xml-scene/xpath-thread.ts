import { parentPort, workerData } from 'node:worker_threads';
import { DOMParser, type Document, type Node } from '@xmldom/xmldom';
import { messageOf } from '../../../shared/domain/errors.ts';
import { XPATH_NAMESPACES, xpath } from '../../../shared/scenes/xpath-slots.ts';
import type { XPathAnswer, XPathPlace, XPathQuestion } from './find-by-xpath.ts';

/**
 * Finds places in an XML file, in a thread of its own: an expression may take as long as whoever wrote it likes, and then this
 * thread is ended and not the worker.
 */
const ELEMENT = 1;
const ATTRIBUTE = 2;
const TEXTS: readonly number[] = [3, 4];

function parseDocument(text: string): Document {
  const onError = (level: string, message: string): void => {
    if (level !== 'warning') throw new Error(message);
  };
  return new DOMParser({ locator: false, onError }).parseFromString(text, 'text/xml');
}

/** Element → its place among all, in the file's order. */
function numbered(document: Document): Map<Node, number> {
  const numbers = new Map<Node, number>();
  let node: Node | null = document.documentElement;
  while (node) {
    if (node.nodeType === ELEMENT) numbers.set(node, numbers.size);
    let next: Node | null = node.firstChild ?? node.nextSibling;
    for (let up: Node | null = node.parentNode; !next && up; up = up.parentNode) next = up.nextSibling;
    node = next;
  }
  return numbers;
}

function namespacesOf(document: Document): Record<string, string> {
  const namespaces: Record<string, string> = { ...XPATH_NAMESPACES };
  for (const { name, value } of document.documentElement?.attributes ?? [])
    if (name.startsWith('xmlns:')) namespaces[name.slice('xmlns:'.length)] = value;
  return namespaces;
}

function placeOf(
  node: Node & { ownerElement?: Node | null },
  numbers: ReadonlyMap<Node, number>,
): XPathPlace {
  const isAttribute = node.nodeType === ATTRIBUTE;
  const element = isAttribute ? node.ownerElement : TEXTS.includes(node.nodeType) ? node.parentNode : node;
  const index = element ? numbers.get(element) : undefined;
  if (index === undefined) throw new Error('it finds something that takes no value');
  return { index, attribute: isAttribute ? node.nodeName : null };
}

function answer({ text, expressions }: XPathQuestion): XPathAnswer {
  const document = parseDocument(text);
  const numbers = numbered(document);
  const select = xpath.useNamespaces(namespacesOf(document));
  const places: [string, XPathPlace[]][] = [];
  for (const expression of expressions) {
    try {
      const found = select(expression, document);
      if (!Array.isArray(found)) throw new Error(`it gives ${typeof found} and no element`);
      places.push([expression, (found as Node[]).map((node) => placeOf(node, numbers))]);
    } catch (error) {
      return { problem: { expression, message: messageOf(error) } };
    }
  }
  return { places, elements: numbers.size };
}

let outcome: XPathAnswer;
try {
  outcome = answer(workerData as XPathQuestion);
} catch (error) {
  outcome = { problem: { expression: null, message: messageOf(error) } };
}
parentPort?.postMessage(outcome);
