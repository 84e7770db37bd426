import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeJson, parseWith } from './decode.ts';
import { jobDocumentSchema } from './job-document.ts';

const decode = (text: string): unknown => decodeJson(new TextEncoder().encode(text), { what: 'It' });

describe('JSON that may come from anybody', () => {
  it.each([
    ['{"a":"x\\u0000"}', 'a'],
    ['{"a":{"b":["ok","\\ud800"]}}', 'a.b[1]'],
    ['{"a":{"k\\u0000":1}}', 'a'],
    ['"\\udc00"', ''],
  ])('refuses text that cannot be stored: %s', (text, path) => {
    const expected: unknown = expect.objectContaining({ issues: [expect.objectContaining({ path })] });
    expect(() => decode(text)).toThrow(expected);
  });

  it.each(['{"__proto__":1}', '[{"constructor":1}]', '['.repeat(10_000), '"\u{1f30d}', ''])(
    'refuses %j',
    (text) => {
      expect(() => decode(text)).toThrow(/^It is not valid/);
    },
  );

  it('takes whole characters beyond the first plane', () => {
    expect(decode('{"a":"\\ud83c\\udf0d"}')).toEqual({ a: '🌍' });
  });

  it.each([
    ['2030-01-01T00:00:00+02:00', true],
    ['0000-01-01T00:00:00Z', false],
    ['9999-12-31T23:59:59-23:59', false],
  ])('takes times that the ledger can store: %s %s', (notBefore, taken) => {
    expect(jobDocumentSchema.shape.notBefore.safeParse(notBefore).success).toBe(taken);
  });

  it('shows no secret that is wrong', () => {
    const schema = z.object({ s3: z.object({ secretAccessKey: z.string().max(4) }), name: z.string() });
    const value = { s3: { secretAccessKey: 'hunter22' }, name: 7 };
    const wrong = (): unknown => parseWith(schema, value, 'It');
    expect(wrong).toThrow(/s3\.secretAccessKey.*a secret/s);
    expect(wrong).toThrow(/name.*7/s);
    expect(wrong).not.toThrow(/hunter22/);
    expect(() => parseWith(schema, { s3: {}, name: 'n' }, 'It')).toThrow(/nothing/);
    expect(() => decode('{"token":"hunter22\\u0000"}')).not.toThrow(/hunter22/);
  });

  it('says plainly what is expected', () => {
    const document = { version: '3.3.4', name: 5, engine: 'null', frames: '1' };
    expect(() => parseWith(jobDocumentSchema, document, 'It')).toThrow(
      'It is not valid. version: got "3.3.4", expected 1; name: got 5, expected string',
    );
  });
});
