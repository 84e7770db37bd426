/** One that is never closed takes the rest of its line, so that nothing is searched through twice. */
const ADDRESS =
  /(?:url\(\s*|@import\s+)(?:"(?<double>[^"\r\n]+)|'(?<single>[^'\r\n]+))|url\(\s*(?<bare>[^)"'\s][^)"'\r\n]*)/gi;

/** What `url(…)` and `@import` name, in their order. */
export function cssAddresses(css: string): string[] {
  const found: string[] = [];
  mapCssAddresses(css, (address) => {
    found.push(address);
    return undefined;
  });
  return found;
}

/** @param moved another address in an address's place; undefined: it stays */
export const mapCssAddresses = (css: string, moved: (address: string) => string | undefined): string =>
  mapLast(css, ADDRESS, moved);

/**
 * Replaces the text at the end of each match that one of the pattern's named groups has found.
 * @param moved another text in its place; undefined: it stays
 */
export function mapLast(text: string, pattern: RegExp, moved: (found: string) => string | undefined): string {
  return text.replaceAll(pattern, (whole, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    const found = Object.values(groups).find((group) => group !== undefined) ?? '';
    const other = moved(found.trim());
    return other === undefined ? whole : `${whole.slice(0, whole.length - found.length)}${other}`;
  });
}
