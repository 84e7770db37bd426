import { isObject, walk, type Json } from '../../../shared/scenes/lottie-animation.ts';
import {
  slotKind,
  slotsOf,
  textDocuments,
  textLayerNames,
  textLayers,
} from '../../../shared/scenes/lottie-slots.ts';
import { describeValue } from '../../../shared/domain/errors.ts';

/** A value that does not fit the slot it is meant for. */
export class SlotError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SlotError';
  }
}

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

function fillSlot(json: Json, name: string, property: Json, value: unknown): void {
  switch (slotKind(json, name, property)) {
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
