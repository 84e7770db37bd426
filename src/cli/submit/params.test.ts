import { describe, expect, it } from 'vitest';
import { typedParams } from './params.ts';

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string' },
    count: { type: 'integer' },
    speed: { type: 'number' },
    loud: { type: 'boolean' },
    list: { type: 'array', items: { type: 'string' } },
    'a.b': { type: 'string' },
    animation: {
      type: 'object',
      properties: { initialFrame: { type: 'integer' } },
      additionalProperties: false,
    },
    declare: { type: 'object', additionalProperties: { type: 'number' } },
    any: {},
  },
  additionalProperties: false,
};
const typed = (...params: string[]): unknown => typedParams(params, schema, 'the template x');

describe('typedParams', () => {
  it('takes the types of the schema', () => {
    expect(typed('title=42', 'count=7', 'speed=0.5', 'loud=true', 'list=["a","b"]')).toEqual({
      title: '42',
      count: 7,
      speed: 0.5,
      loud: true,
      list: ['a', 'b'],
    });
  });

  it('keeps everything after the first =', () => {
    expect(typed('title=a=b=')).toEqual({ title: 'a=b=' });
    expect(typed('title=')).toEqual({ title: '' });
  });

  it('reads a path into objects and maps, and prefers a name that has the dot itself', () => {
    expect(typed('animation.initialFrame=3', 'declare.Radius=2.5', 'a.b=c')).toEqual({
      animation: { initialFrame: 3 },
      declare: { Radius: 2.5 },
      'a.b': 'c',
    });
  });

  it('takes JSON where anything goes, else the text', () => {
    expect(typed('any={"x":1}')).toEqual({ any: { x: 1 } });
    expect(typed('any=hello')).toEqual({ any: 'hello' });
  });

  it.each([
    ['title', 'name=value'],
    ['=x', 'name=value'],
    ['tilte=x', 'title, count'],
    ['count=1.5', 'whole number'],
    ['count=', 'whole number'],
    ['speed=fast', 'number'],
    ['loud=yes', 'true or false'],
    ['list=a,b', 'JSON'],
    ['animation.none=1', 'no parameter'],
    ['__proto__=1', 'no parameter'],
  ])('refuses %s and says what is expected', (param, expected) => {
    expect(() => typed(param)).toThrow(expected);
  });

  it('does not reach prototypes through a map', () => {
    const result = typedParams(['declare.__proto__=1'], schema, 'x') as { declare: object };
    expect(Object.hasOwn(result.declare, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(result.declare)).toBe(Object.prototype);
  });
});
