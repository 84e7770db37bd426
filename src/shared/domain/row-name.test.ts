import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileSafeName, isNamePattern, patternColumns, rowName } from './row-name.ts';

describe('rowName', () => {
  it('is made of columns and the row', () => {
    expect(rowName('{title} {row:04}', 7, { title: 'Hello' })).toBe('Hello 0007');
    expect(rowName('{title} {n} {on}', 1, { title: 'A', n: 2.5, on: true })).toBe('A 2.5 true');
    expect(rowName('{title}{other}', 3, { title: 'A' })).toBe('A');
    expect(rowName('{title}', 3, {})).toBe('row 3');
    expect(rowName('{title}', 3, { title: '../..' })).toBe('_');
    expect(rowName('{constructor}', 3, {})).toBe('row 3');
    expect(rowName('{title}', 3, { title: 'con' })).toBe('_con');
    expect(Buffer.byteLength(rowName('{title}', 3, { title: '長'.repeat(500) }))).toBe(198);
    expect(rowName('{title}', 3, { title: '👩‍🚀'.repeat(50) })).toBe('👩‍🚀'.repeat(18));
  });

  it('is a name that every file system takes, whatever the data', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(), (title, row) => {
        const name = rowName('{title}', row, { title });
        expect(name).not.toBe('');
        expect(name).not.toMatch(/[<>:"|?*/\\\u0000-\u001f]|^[.\s]|[.\s]$/);
        expect(fileSafeName(name)).toBe(name);
      }),
    );
  });
});

describe('patterns', () => {
  it('name columns; the row is none of them', () => {
    expect(patternColumns('{title} {row} {row:03} {title} {sub title}')).toEqual(['title', 'sub title']);
    expect(isNamePattern('{title} {row}')).toBe(true);
    for (const wrong of ['{title', 'title}', '{}', '{a{b}}']) expect(isNamePattern(wrong)).toBe(false);
  });
});
