import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sliceLog, wholeLog, tailOf, wholeCharacters } from './log-text.ts';

describe('sliceLog', () => {
  it('joins pieces, whatever their order and however often they came', () => {
    const parts = [
      { offset: 6, text: 'world' },
      { offset: 0, text: 'hello ' },
      { offset: 6, text: 'world' },
      { offset: 3, text: 'lo wor' },
    ];
    expect(sliceLog(parts, 0, 100)).toEqual({ offset: 0, text: 'hello world', nextOffset: 11 });
    expect(sliceLog(parts, 4, 100)).toEqual({ offset: 4, text: 'o world', nextOffset: 11 });
    expect(sliceLog(parts, 11, 100)).toEqual({ offset: 11, text: '', nextOffset: 11 });
  });

  it('stops at a gap and goes on behind it', () => {
    const parts = [
      { offset: 0, text: 'abc' },
      { offset: 10, text: 'xyz' },
    ];
    expect(sliceLog(parts, 0, 100)).toEqual({ offset: 0, text: 'abc', nextOffset: 3 });
    expect(sliceLog(parts, 3, 100)).toEqual({ offset: 10, text: 'xyz', nextOffset: 13 });
  });

  it('gives back the whole text piece by piece, never half a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.integer({ min: 4, max: 40 }),
        (text, max) => {
          const parts = [{ offset: 0, text }];
          let read = '';
          for (let offset = 0; ;) {
            const piece = sliceLog(parts, offset, max);
            if (piece.text === '') break;
            expect(Buffer.byteLength(piece.text)).toBeLessThanOrEqual(max);
            expect(piece.text).not.toContain('\ufffd');
            read += piece.text;
            offset = piece.nextOffset;
          }
          expect(read).toBe(text.toWellFormed());
        },
      ),
    );
  });
});

it('cuts before a character that does not fit', () => {
  expect(wholeCharacters(Buffer.from('aé'), 2).toString()).toBe('a');
  expect(wholeCharacters(Buffer.from('aé'), 3).toString()).toBe('aé');
});

it('takes the tail from the beginning of a character on', () => {
  expect(tailOf(Buffer.from('éé'), 104, 3)).toEqual({ offset: 102, text: 'é', nextOffset: 104 });
  expect(tailOf(Buffer.from('abc'), 3, 10)).toEqual({ offset: 0, text: 'abc', nextOffset: 3 });
});

it('gives the whole log, and says where bytes are no longer kept', () => {
  const parts = [
    { offset: 0, text: 'one\n' },
    { offset: 2_004, text: 'three\n' },
    { offset: 2_010, text: 'four\n' },
  ];
  expect(wholeLog(parts)).toBe('one\n[… 2,000 bytes of this log are no longer kept …]\nthree\nfour\n');
});
