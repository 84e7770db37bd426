import { describe, expect, it } from 'vitest';
import { dataOf, fieldsOf } from './template-form.ts';

const fields = fieldsOf({
  schema: {
    type: 'object',
    required: ['title', 'count'],
    properties: {
      title: { type: 'string', title: 'Title' },
      subtitle: { type: 'string', description: 'Below it' },
      accent: { type: 'string', default: '#17bebb' },
      count: { type: 'integer', default: 3 },
      loud: { type: 'boolean', default: true },
      size: { enum: ['small', 2, '2'], default: 2 },
      points: { type: 'array', items: { type: 'number' } },
    },
  },
  slots: { accent: { kind: 'colour', slot: 'accent' } },
});
const field = (name: string) => fields.find((one) => one.name === name);

describe('fieldsOf', () => {
  it('makes a field of each parameter of the kind that fits, what is required first', () => {
    expect(fields.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'title text',
      'count number',
      'subtitle text',
      'accent colour',
      'loud boolean',
      'size choice',
      'points json',
    ]);
  });

  it('takes titles, descriptions, defaults and what is required from the schema', () => {
    expect(field('title')).toMatchObject({ label: 'Title', required: true, initial: '' });
    expect(field('subtitle')).toMatchObject({ label: 'subtitle', help: 'Below it', required: false });
    expect(['accent', 'count', 'loud', 'size'].map((name) => field(name)?.initial)).toEqual([
      '#17bebb',
      '3',
      true,
      '1',
    ]);
  });

  it('makes none of a schema without parameters', () => {
    expect(fieldsOf({ schema: { type: 'object' }, slots: {} })).toEqual([]);
  });
});

describe('dataOf', () => {
  it('gives values of the schema’s types, and leaves out what is empty and may be', () => {
    expect(dataOf(fields, { title: '007', size: '2', points: '[1, 2]', subtitle: '' })).toEqual({
      title: '007',
      accent: '#17bebb',
      count: 3,
      loud: true,
      size: '2',
      points: [1, 2],
    });
  });

  it('keeps what does not read as its type, so that the farm can say what it expects', () => {
    expect(dataOf(fields, { title: '', count: 'many', points: '[1' })).toMatchObject({
      title: '',
      count: 'many',
      points: '[1',
    });
  });
});
