/** Whether every subject that `narrow` matches is also matched by `wide`, in NATS' notation (`*` one token, `>` the rest). */
export function covers(wide: string, narrow: string): boolean {
  const have = wide.split('.');
  const want = narrow.split('.');
  for (const [i, token] of have.entries()) {
    if (token === '>') return want.length > i;
    const other = want[i];
    if (other === undefined || other === '>') return false;
    if (token !== '*' && token !== other) return false;
  }
  return have.length === want.length;
}
