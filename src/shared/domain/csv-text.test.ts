import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from './csv-text.ts';

describe('csvLine', () => {
  it('is read back as it was, but for an apostrophe before what a spreadsheet would run', () => {
    expect(csvLine([1, 'a', null, 'b,"c"\n', '=1+1', '@x'])).toBe('1,a,,"b,""c""\n",\'=1+1,\'@x\r\n');
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 2, maxLength: 5 }), (cells) => {
        const [read] = parse(csvLine(cells), { record_delimiter: '\r\n' });
        expect(read).toEqual(cells.map((cell) => (/^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell)));
      }),
    );
  });
});
