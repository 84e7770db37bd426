import { EngineFailure } from '../engine.ts';

/** A piece of an XML file as it stands there. */
interface Piece {
  kind: 'open' | 'close' | 'text' | 'other';
  /** Of tags. */
  name: string;
  text: string;
  /** `<a/>` */
  isEmpty: boolean;
}

/** What is never closed goes on to the end: looking for its end again at every `<` would take hours in a large file. */
const PIECES =
  /<!--(?:[\s\S]*?-->|[\s\S]*$)|<!\[CDATA\[(?:[\s\S]*?\]\]>|[\s\S]*$)|<\?(?:[\s\S]*?\?>|[\s\S]*$)|<!DOCTYPE(?:[^>[]*(?:\[[^\]]*\][^>]*)?>|[\s\S]*$)|<\/?[A-Za-z_][^<>"']*(?:(?:"[^"]*"|'[^']*')[^<>"']*)*>|[^<]+|</g;
const ATTRIBUTE = /(?<![\w:.-])([A-Za-z_][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** One element: where it begins and ends among the pieces. */
export interface XmlElement {
  name: string;
  attributes: ReadonlyMap<string, string>;
  at: number;
  /** The piece that closes it; the same as `at` for `<a/>`. */
  end: number;
}

/**
 * An XML file that is changed in places and otherwise stays as it was written, byte for byte. It is no validating parser:
 * whether a file is well-formed, the program that renders it judges.
 */
export class XmlDocument {
  readonly #pieces: Piece[];

  /**
   * @param what how messages call it
   * @throws EngineFailure `scene` for a file that declares entities: they could name other files of this machine
   */
  constructor(text: string, what: string) {
    if (/<!ENTITY/i.test(text))
      throw new EngineFailure('scene', `${what} declares entities (<!ENTITY …>), which scenes may not.`);
    this.#pieces = [...text.matchAll(PIECES)].map(([piece]) => toPiece(piece));
  }

  toString(): string {
    return this.#pieces.map((piece) => piece.text).join('');
  }

  /** All elements in their order. */
  elements(): XmlElement[] {
    const found: XmlElement[] = [];
    const open: XmlElement[] = [];
    for (const [at, piece] of this.#pieces.entries()) {
      if (piece.kind === 'open') {
        const element = { name: piece.name, attributes: attributesOf(piece.text), at, end: at };
        found.push(element);
        if (!piece.isEmpty) open.push(element);
      } else if (piece.kind === 'close') {
        const opened = open.pop();
        if (opened) opened.end = at;
      }
    }
    return found;
  }

  /** The text inside an element, without its tags. */
  textOf({ at, end }: XmlElement): string {
    const texts = this.#pieces.slice(at, end).map(({ kind, text }) => {
      if (kind === 'text') return decode(text);
      return /^<!\[CDATA\[([\s\S]*)\]\]>$/.exec(text)?.[1] ?? '';
    });
    return texts.join('');
  }

  /** Replaces all that is inside an element by a text. */
  setText(element: XmlElement, text: string): void {
    const { at, end } = element;
    const first = this.#pieces[at];
    if (!first) return;
    if (at === end) {
      first.text = `${first.text.replace(/(?<!\s)\s*\/>$/, '>')}${escapeText(text)}</${first.name}>`;
      return;
    }
    const inside = this.#pieces.slice(at + 1, end);
    // The way down to the first text stays, with its style: <text><tspan>…</tspan></text>.
    const depth = inside.findIndex((piece) => piece.kind !== 'open' && piece.text.trim() !== '');
    const kept = inside
      .slice(0, depth < 0 ? 0 : depth)
      .filter((piece) => piece.kind === 'open' && !piece.isEmpty);
    const closing = kept.map(({ name }) => `</${name}>`).reverse();
    const [head, ...others] = inside;
    if (head) head.text = `${kept.map((piece) => piece.text).join('')}${escapeText(text)}${closing.join('')}`;
    else first.text += escapeText(text);
    for (const piece of others) piece.text = '';
  }

  setAttribute({ at, attributes }: XmlElement, name: string, value: string): void {
    const piece = this.#pieces[at];
    if (!piece) return;
    const written = `${name}="${escapeAttribute(value)}"`;
    const text = piece.text.replace(ATTRIBUTE, (whole, key: string) => (key === name ? written : whole));
    piece.text = attributes.has(name)
      ? text
      : text.replace(/(?<!\s)\s*(\/?>)$/, (end) => ` ${written}${end.trim()}`);
  }
}

function toPiece(text: string): Piece {
  const close = /^<\/([^\s>]+)/.exec(text);
  if (close) return { kind: 'close', name: close[1] ?? '', text, isEmpty: false };
  const open = /^<([A-Za-z_][^\s/>]*)/.exec(text);
  if (open) return { kind: 'open', name: open[1] ?? '', text, isEmpty: text.endsWith('/>') };
  return { kind: text.startsWith('<') ? 'other' : 'text', name: '', text, isEmpty: false };
}

function attributesOf(tag: string): Map<string, string> {
  return new Map(
    [...tag.matchAll(ATTRIBUTE)].map(([, name = '', double, single]) => [
      name,
      decode(double ?? single ?? ''),
    ]),
  );
}

function decode(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi,
    (whole, decimal?: string, hex?: string, name = '') => {
      const code = Number(decimal ?? (hex === undefined ? NaN : `0x${hex}`));
      if (code <= 0x10ffff) return String.fromCodePoint(code);
      return ENTITIES[String(name)] ?? whole;
    },
  );
}

/** XML 1.0 has no way to write most control characters. */
function storable(text: string): string {
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd').toWellFormed();
}

function escapeText(text: string): string {
  return storable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeAttribute(text: string): string {
  return escapeText(text)
    .replaceAll('"', '&quot;')
    .replaceAll('\t', '&#9;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\r', '&#13;');
}
