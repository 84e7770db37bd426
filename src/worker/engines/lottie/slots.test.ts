import { describe, expect, it } from 'vitest';
import type { Json } from '../../../shared/scenes/lottie-animation.ts';
import { charactersByFont, fillSlots } from './slots.ts';

function animation(): Json {
  return {
    slots: {
      title: {
        p: {
          k: [
            { t: 0, s: { t: 'old', f: 'Inter', s: 10 } },
            { t: 9, s: { t: 'old too', f: 'Inter', s: 10 } },
          ],
        },
      },
      accent: { p: { a: 0, k: [1, 0, 0, 1] } },
      size: {
        p: {
          a: 1,
          k: [
            { t: 0, s: [10] },
            { t: 5, s: [20] },
          ],
        },
      },
    },
    layers: [
      { ty: 5, nm: 'credit', t: { d: { k: [{ t: 0, s: { t: 'old credit', f: 'Sora', s: 10 } }] } } },
      {
        ty: 4,
        shapes: [
          { ty: 'fl', c: { sid: 'accent' } },
          { ty: 'rc', r: { sid: 'size' } },
        ],
      },
    ],
  };
}

describe('slots', () => {
  it('take text in every key frame, with line breaks as Lottie writes them', () => {
    const json = animation();
    fillSlots(json, { title: 'one\ntwo' });
    expect(JSON.stringify(json['slots'])).not.toContain('old');
    expect(JSON.stringify(json['slots'])).toContain('one\\rtwo');
  });

  it('take colours and numbers, also where they were animated', () => {
    const json = animation();
    fillSlots(json, { accent: '#00ff80', size: 7 });
    expect(json['slots']).toMatchObject({
      accent: { p: { a: 0, k: [0, 1, 128 / 255, 1] } },
      size: { p: { a: 0, k: 7 } },
    });
  });

  it('fall back to text layers by name', () => {
    const json = animation();
    fillSlots(json, { credit: 'me' });
    expect(JSON.stringify(json['layers'])).toContain('"t":"me"');
    expect(charactersByFont(json).get('Sora')).toEqual(new Set(['m', 'e']));
  });

  it.each([
    [{ nope: 'x' }, 'no slot "nope"; it has title, accent, size, credit'],
    [{ constructor: 'x' }, 'no slot "constructor"'],
    [{ accent: 'red' }, 'takes a colour such as "#1a2b3c", not "red"'],
    [{ size: '7' }, 'takes a number, not "7"'],
    [{ title: { a: 1 } }, 'takes text, not {"a":1}'],
  ])('refuse %j', (data, message) => {
    expect(() => fillSlots(animation(), data)).toThrow(message);
  });

  it('does not follow __proto__', () => {
    expect(() => fillSlots(animation(), JSON.parse('{"__proto__": "x"}') as Record<string, unknown>)).toThrow(
      'no slot',
    );
  });
});
