import { isObject, objectsIn, walk, type Json } from '../../../shared/scenes/lottie-animation.ts';
import { describeValue } from '../../../shared/domain/errors.ts';

/** A value that does not fit the slot it is meant for. */
export class SlotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SlotError';
  }
}

type SlotKind = 'text' | 'colour' | 'number';

/**
 * Writes `data` (slot name → value) into the animation, in place. A name is first looked for among the animation's slots
 * (`slots`, as After Effects' Essential Graphics exports them), then among the names of its text layers, so that files
 * without slots take texts too.
 * @throws SlotError naming the slot, and the ones there are
 */
export function fillSlots(json: Json, data: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(data)) {
    const slot = slotsOf(json)[name];
    if (isObject(slot) && isObject(slot['p'])) fillSlot(json, name, slot['p'], value);
    else if (!fillTextLayers(json, name, value)) {
      const names = [...Object.keys(slotsOf(json)), ...textLayerNames(json)];
      throw new SlotError(
        `The animation has no slot ${describeValue(name)}; it has ${names.length > 0 ? [...new Set(names)].join(', ') : 'none'}.`,
      );
    }
  }
}

function slotsOf(json: Json): Json {
  const slots = json['slots'];
  // A copy without prototype: names from outside must not find `constructor`.
  return isObject(slots) ? Object.assign(Object.create(null) as Json, slots) : {};
}

function fillSlot(json: Json, name: string, property: Json, value: unknown): void {
  switch (kindOf(json, name, property)) {
    case 'text':
      setTexts(property, textFor(name, value));
      break;
    case 'colour':
      delete property['x'];
      Object.assign(property, { a: 0, k: colourFor(name, value) });
      break;
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw new SlotError(`The slot ${describeValue(name)} takes a number, not ${describeValue(value)}.`);
      delete property['x'];
      Object.assign(property, { a: 0, k: value });
  }
}

/** What a slot holds shows in its value, and for a list of numbers in who uses it: only fills and strokes have `c`. */
function kindOf(json: Json, name: string, property: Json): SlotKind {
  if (textDocuments(property).length > 0) return 'text';
  for (const object of walk(json)) {
    if (isObject(object['c']) && object['c']['sid'] === name) return 'colour';
  }
  const value = property['k'];
  const first = objectsIn(value)[0];
  const sample = first ? first['s'] : value;
  return Array.isArray(sample) && sample.length >= 3 ? 'colour' : 'number';
}

/** The text documents of a text property: `k` is a list of key frames, each with the document in `s`. */
function textDocuments(property: Json): Json[] {
  const list = objectsIn(property['k']).map((frame) => frame['s']);
  if (isObject(property['k'])) list.push(property['k']);
  return list.filter(isObject).filter((document) => typeof document['t'] === 'string');
}

function setTexts(property: Json, value: string): void {
  for (const document of textDocuments(property)) document['t'] = value;
}

function textFor(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw new SlotError(`The slot ${describeValue(name)} takes text, not ${describeValue(value)}.`);
  // Lottie separates lines by carriage returns.
  return String(value).replace(/\r\n|\n/g, '\r');
}

/** `#rrggbb` or `#rrggbbaa` as Lottie's numbers from 0 to 1. */
function colourFor(name: string, value: unknown): number[] {
  const match = typeof value === 'string' ? /^#([0-9a-f]{6})([0-9a-f]{2})?$/i.exec(value) : null;
  if (!match)
    throw new SlotError(
      `The slot ${describeValue(name)} takes a colour such as "#1a2b3c", not ${describeValue(value)}.`,
    );
  const digits = `${match[1] ?? ''}${match[2] ?? 'ff'}`;
  return [0, 2, 4, 6].map((at) => Number.parseInt(digits.slice(at, at + 2), 16) / 255);
}

function* textLayers(json: Json): Generator<Json> {
  for (const object of walk(json)) {
    if (object['ty'] === 5 && isObject(object['t'])) yield object;
  }
}

function textLayerNames(json: Json): string[] {
  return [...textLayers(json)].map((layer) => layer['nm']).filter((name) => typeof name === 'string');
}

function fillTextLayers(json: Json, name: string, value: unknown): boolean {
  let found = false;
  for (const layer of textLayers(json)) {
    const property = isObject(layer['t']) ? layer['t']['d'] : undefined;
    if (layer['nm'] !== name || !isObject(property)) continue;
    setTexts(property, textFor(name, value));
    found = true;
  }
  return found;
}

/** Which texts are shown in which font, after the slots were filled: font name → characters. */
export function charactersByFont(json: Json): Map<string, Set<string>> {
  const result = new Map<string, Set<string>>();
  for (const object of walk(json)) {
    const font = object['f'];
    const content = object['t'];
    if (typeof font !== 'string' || typeof content !== 'string') continue;
    const characters = result.get(font) ?? new Set<string>();
    for (const character of content) if (!/[\s\u0000-\u001f]/u.test(character)) characters.add(character);
    result.set(font, characters);
  }
  return result;
}
