import { describe, expect, it } from 'vitest';
import { isStorable, storableText } from './text.ts';

describe('text that the ledger can store', () => {
  it.each(['', 'plain', 'Größe 🌍', 'tab\tand\nlines'])('takes %j as it is', (text) => {
    expect(isStorable(text)).toBe(true);
    expect(storableText(text)).toBe(text);
  });

  it.each(['a\0b', '\ud800', '\udc00x', 'x\ud83d'])('mends %j', (text) => {
    expect(isStorable(text)).toBe(false);
    expect(isStorable(storableText(text))).toBe(true);
  });

  it('leaves no half of a character when it cuts', () => {
    expect(storableText('ab🌍', 3)).toBe('ab\ufffd');
  });
});
