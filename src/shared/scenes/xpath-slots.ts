import { createRequire } from 'node:module';
import { messageOf } from '../domain/errors.ts';

/** Its own types would bring those of browsers into every file. */
interface XPath {
  /** @throws Error for what is no XPath 1.0 */
  parse: (expression: string) => unknown;
  useNamespaces: (
    namespaces: Readonly<Record<string, string>>,
  ) => (expression: string, node: object) => unknown;
}

const require = createRequire(import.meta.url);
export const xpath = require('xpath') as XPath;

const MAX_LENGTH = 1_000;
/** Formats whose scenes are XML. */
const ENGINES: ReadonlySet<string> = new Set(['inkscape', 'synfig']);

/** Prefixes that an expression may use wherever the scene declares no others. */
export const XPATH_NAMESPACES: Readonly<Record<string, string>> = {
  svg: 'http://www.w3.org/2000/svg',
  xlink: 'http://www.w3.org/1999/xlink',
  inkscape: 'http://www.inkscape.org/namespaces/inkscape',
  sodipodi: 'http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd',
};

/** A place in an XML scene that is said by XPath 1.0, not by a name: `//svg:text[@class="title"]`, `/svg:svg/svg:rect/@fill`. */
export function isXPathSlot(engine: string, slot: string): boolean {
  return ENGINES.has(engine) && slot.startsWith('/');
}

/** @returns what is wrong with an expression as such, whatever the scene is; undefined when nothing is */
export function xpathProblem(expression: string): string | undefined {
  if (expression.length > MAX_LENGTH)
    return `an XPath of ${MAX_LENGTH.toLocaleString('en')} characters at most`;
  try {
    xpath.parse(expression);
    return undefined;
  } catch (error) {
    return `XPath 1.0 such as //svg:text[@class="title"] (${messageOf(error).split('\n')[0] ?? ''})`;
  }
}
