import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ansiSpans } from './ansi-spans.ts';
import { toLogLine } from './log-text.ts';

const E = '\u001b';

describe('ansiSpans', () => {
  it('keeps colours and bold, and leaves out the rest', () => {
    expect(ansiSpans(`a${E}[1;31mred${E}[0m b${E}[2K${E}]0;title\u0007c`)).toEqual([
      { text: 'a', bold: false },
      { text: 'red', bold: true, colour: 'red' },
      { text: ' b', bold: false },
      { text: 'c', bold: false },
    ]);
    expect(ansiSpans(`${E}[38;5;196mx${E}[38;2;0;200;0my${E}[39mz`).map(({ colour }) => colour)).toEqual([
      'red',
      'green',
      undefined,
    ]);
  });

  it('has the text that is searched, whatever the codes', () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom(`${E}[31m`, `${E}[`, `${E}[0;999m`, E),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const line = toLogLine(pieces.join('').replaceAll('\n', '').replaceAll('\r', ''), 1);
        const told =
          line.coloured === undefined
            ? line.text
            : ansiSpans(line.coloured)
                .map(({ text }) => text)
                .join('');
        expect(told.length).toBe(line.text.length);
      }),
    );
  });

  it('shows control characters', () => {
    expect(toLogLine('a\u0000b\u0007\tc', 1).text).toBe('a␀b␇\tc');
  });
});
