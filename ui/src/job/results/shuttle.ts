const FASTEST = 8;

/** The speed after a key of an editing desk: `l` forwards and then faster, `j` the same backwards, `k` stands. */
export function nextRate(rate: number, key: 'j' | 'k' | 'l'): number {
  if (key === 'k') return 0;
  const direction = key === 'l' ? 1 : -1;
  if (rate * direction <= 0) return direction;
  return direction * Math.min(Math.abs(rate) * 2, FASTEST);
}
