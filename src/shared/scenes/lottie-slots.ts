import { isObject, objectsIn, walk, type Json } from './lottie-animation.ts';
import type { DataSlot } from './scene-inspection.ts';

/** An animation's slots by name (`slots`, as After Effects' Essential Graphics exports them). */
export function slotsOf(json: Json): Json {
  const slots = json['slots'];
  // A copy without prototype: names from outside must not find `constructor`.
  return isObject(slots) ? Object.assign(Object.create(null) as Json, slots) : {};
}

/** What a slot holds shows in its value, and for a list of numbers in who uses it: only fills and strokes have `c`. */
export function slotKind(json: Json, name: string, property: Json): 'text' | 'colour' | 'number' {
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
export function textDocuments(property: Json): Json[] {
  const list = objectsIn(property['k']).map((frame) => frame['s']);
  if (isObject(property['k'])) list.push(property['k']);
  return list.filter(isObject).filter((document) => typeof document['t'] === 'string');
}

export function* textLayers(json: Json): Generator<Json> {
  for (const object of walk(json)) {
    if (object['ty'] === 5 && isObject(object['t'])) yield object;
  }
}

export function textLayerNames(json: Json): string[] {
  return [...textLayers(json)].map((layer) => layer['nm']).filter((name) => typeof name === 'string');
}

/** What `data` may name: its slots, then the text layers that are none. */
export function dataSlots(json: Json): DataSlot[] {
  const slots = Object.entries(slotsOf(json)).flatMap(([name, slot]): DataSlot[] =>
    isObject(slot) && isObject(slot['p']) ? [{ name, kind: slotKind(json, name, slot['p']) }] : [],
  );
  const names = new Set(slots.map((slot) => slot.name));
  const texts = new Set(textLayerNames(json).filter((name) => name !== '' && !names.has(name)));
  return [...slots, ...[...texts].map((name) => ({ name, kind: 'text' as const }))];
}
