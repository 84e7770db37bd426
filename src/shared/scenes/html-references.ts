import { HTML_COMMENT, attributesOf } from './html-page.ts';

/** These take an end that is missing for the end of the text, so that nothing is searched through twice. */
const TAG = /<(?:script|link|img|image|source|video|audio|track|iframe|embed|object|use|input)\b[^>]*>?/gi;
const ATTRIBUTES = ['src', 'href', 'xlink:href', 'poster', 'data'];
const COMMENT = /\/\*(?:[\s\S]*?\*\/|[\s\S]*$)/g;
const CSS_URL = /url\(\s*(?:"([^"]*)"\s*|'([^']*)'\s*|([^()"'\s]+)\s*)?\)/gi;
const CSS_IMPORT = /@import\s+(?:"([^"]*)"|'([^']*)')/gi;
const MODULE_IMPORT = /(?:^|[;}\s])(?:import|export)\b[^'";()]*(?:"([^"]+)"|'([^']+)')?/g;
const DYNAMIC_IMPORT = /\bimport\s*\(\s*(?:"([^"]+)"|'([^']+)')\s*\)/g;

/** Files that a page names in its markup, styles and imports; what its scripts load by name cannot be seen. */
export function htmlReferences(html: string): string[] {
  const text = html.replaceAll(HTML_COMMENT, '');
  const found: string[] = [];
  for (const [tag] of text.matchAll(TAG)) {
    const attributes = attributesOf(tag);
    for (const name of ATTRIBUTES) found.push(attributes.get(name) ?? '');
    for (const candidate of attributes.get('srcset')?.split(',') ?? [])
      found.push(candidate.trim().split(/\s+/)[0] ?? '');
  }
  found.push(...cssReferences(text));
  for (const [, script = ''] of text.matchAll(/<script\b[^>]*(?:>([\s\S]*?)(?:<\/script>|$))?/gi))
    found.push(...scriptReferences(script));
  return local(found);
}

export function cssReferences(css: string): string[] {
  const text = css.replaceAll(COMMENT, '');
  return local([...matchesOf(text, CSS_URL), ...matchesOf(text, CSS_IMPORT)]);
}

/** What a module imports by path; names without a path are for an import map. */
export function scriptReferences(script: string): string[] {
  const text = script.replaceAll(COMMENT, '').replaceAll(/^[\t ]*\/\/.*$/gm, '');
  return local([...matchesOf(text, MODULE_IMPORT), ...matchesOf(text, DYNAMIC_IMPORT)]).filter((path) =>
    /^\.{0,2}\//.test(path),
  );
}

function matchesOf(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Without addresses of other places and what stands in the page itself; a leading slash is the folder. Files of a machine stay. */
function local(references: readonly string[]): string[] {
  return [...new Set(references.map((text) => text.trim().split(/[?#]/)[0] ?? ''))].filter(
    (path) => path !== '' && !/^(?!file:|[a-z]:[\\/])[a-z][a-z0-9+.-]*:|^\/\//i.test(path),
  );
}

/** Addresses of other machines that a page asks for: it will not get them. */
export function remoteReferences(html: string): string[] {
  const found = new Set<string>();
  for (const [tag] of html.replaceAll(HTML_COMMENT, '').matchAll(TAG)) {
    const attributes = attributesOf(tag);
    for (const name of ATTRIBUTES) {
      const address = attributes.get(name) ?? '';
      if (/^(?:https?:)?\/\//i.test(address)) found.add(address);
    }
  }
  return [...found];
}
